import { z } from 'zod'
import { later, refused } from '../errors.ts'
import { originOf } from '../http.ts'
import type { Domain } from '../protocol/messages.ts'
import { addressSchema } from '../protocol/wire.ts'

const bps = z.number().int().min(0).max(10_000)
const url = z.string().regex(/^https?:\/\/\S+$/, 'an http or https URL')

/** Where everything is: `<home>/network.json` of a local network, and what a router answers to `GET /v1/network`. */
export const networkSchema = z.object({
  chainId: z.number().int().positive(),
  rpcUrl: url,
  addresses: z.object({
    accessManager: addressSchema,
    heu: addressSchema,
    asset: addressSchema,
    registry: addressSchema,
    ledger: addressSchema,
  }),
  /** Shares of gross, basis points; the rest is burnt. */
  split: z.object({ node: bps, pod: bps, frontend: bps, voters: bps }),
  /** Whether the ledger pays pod voters; if not, their share is burnt. */
  podVoters: z.boolean(),
  router: z.object({ address: addressSchema, url }),
  gateway: z.exactOptional(z.object({ url })),
  web: z.exactOptional(z.object({ url })),
})
export type Network = z.output<typeof networkSchema>
export type Addresses = Network['addresses']

/** @throws `network.invalid` (refused) naming the field. */
export function parseNetwork(value: unknown): Network {
  const result = networkSchema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') || 'body'
  throw refused('network.invalid', `network: ${field}: ${issue?.message ?? 'is wrong'}`, { field })
}

/**
 * Asks a router where everything is. Its word: pin what you know better (`chain` of `createClient`).
 *
 * @throws `router.unreachable` (later), `network.invalid` (refused).
 */
export async function fetchNetwork(routerUrl: string): Promise<Network> {
  const address = `${routerUrl.replace(/\/+$/, '')}/v1/network`
  let body: unknown
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(10_000) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    body = await response.json()
  } catch (cause) {
    throw later('router.unreachable', `no network description at ${originOf(address)}`, {
      fix: 'Check the router URL and that the router runs.',
      cause,
    })
  }
  return parseNetwork(body)
}

/** What signatures on this network are bound to. */
export const domainOf = (
  network: Pick<Network, 'chainId'> & { addresses: Pick<Addresses, 'ledger'> },
): Domain => ({
  chainId: network.chainId,
  verifyingContract: network.addresses.ledger,
})
