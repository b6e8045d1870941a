import type { PaymentRequirements } from '@x402/core/types'
import type { Address } from 'viem'
import { z } from 'zod'
import { addressSchema } from '../../../sdk/protocol/wire.ts'
import { dollars } from '../dollars.ts'

/** How callers with a wallet and no key pay by x402. */
export const x402Schema = z.strictObject({
  /** Where payments go; default: the account that pays the router. */
  payTo: addressSchema.optional(),
  /** Who pays the gas of settling; default: the same account. */
  keyFile: z.string().min(1).optional(),
  /** The most that payments which are not settled yet, and what the last day lost, may come to together. Dollars. */
  mostAtRisk: dollars.prefault('10'),
  /** Payments of one wallet that may be under way at once. */
  mostInFlight: z.number().int().min(1).max(1_000).default(8),
  /** Who may use `/x402/verify` and `/x402/settle`: everybody, the operator's keys, nobody; default: everybody on a local chain, nobody elsewhere. */
  facilitator: z.enum(['open', 'key', 'off']).optional(),
})
export type X402Config = z.output<typeof x402Schema>

/** How long a payment stays good after it was signed, as clients set it. */
export const TIMEOUT_SECONDS = 300
/** What is left of it when it arrives must do for the answer and its settlement. */
export const LEAST_SECONDS = 60
/**
 * How long an answer may take that a pod works on for `seconds` at most: it is begun until `seconds` + 30 after it was asked for.
 *
 * @source sdk/calls.ts, the deadline of a request.
 */
const longest = (seconds: number): number => 2 * seconds + 30

/** What must be left when it comes for a stream, which is delivered before it is settled. @param seconds  Of its pod. */
export const leastForStream = (seconds: number): number => longest(seconds) + LEAST_SECONDS

/** What every payment at this door has in common. */
export interface Terms {
  network: `eip155:${number}`
  chainId: number
  asset: Address
  payTo: Address
  /** Of the asset's EIP-712 domain, which the payer signs. */
  name: string
  version: string
}

/**
 * What a call may be paid with: the first one is what stock clients take.
 *
 * @param amount  Base units.
 * @param seconds  The pod's longest work; payments for slow pods stay good for longer. 0 = no matter.
 */
export const requirementsOf = (terms: Terms, amount: bigint, seconds = 0): PaymentRequirements => ({
  scheme: 'exact',
  network: terms.network,
  asset: terms.asset,
  amount: amount.toString(),
  payTo: terms.payTo,
  maxTimeoutSeconds: Math.max(TIMEOUT_SECONDS, leastForStream(seconds) + LEAST_SECONDS),
  extra: { name: terms.name, version: terms.version },
})
