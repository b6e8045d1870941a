import type { FastifyInstance } from 'fastify'
import { type Address, decodeFunctionData, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import { keySender, openChain } from '../../../sdk/chain/clients.ts'
import { asHeuristError, later, refused } from '../../../sdk/errors.ts'
import { parseWire } from '../../../sdk/protocol/wire.ts'
import { formatUsd } from '../../../sdk/units.ts'
import { openAllowance } from './allowance.ts'

/**
 * `POST /api/deposits`: brings a deposit that its giver signed to the chain, and pays the gas. The signature names
 * router, key and owner, so whoever relays it can send the money nowhere else.
 */

export interface RelayTerms {
  rpcUrl: string
  chainId: number
  ledger: Address
  /** Pays the gas. */
  key: Hex
  /** Smaller deposits are not worth their gas. Base units. */
  least: bigint
}

const DATA_BYTES = 4_096
const bodySchema = z.strictObject({
  data: z
    .string()
    .max(2 + 2 * DATA_BYTES)
    .regex(/^0x(?:[0-9a-f]{2})+$/, 'is bytes in hexadecimal'),
})
/** One address may ask for so many deposits an hour; all of them together for so many at a time. */
const MOST_AN_HOUR = 12
const MOST_AT_ONCE = 16
const HOUR_MS = 3_600_000

export function relayRoutes(app: FastifyInstance, { rpcUrl, chainId, ledger, key, least }: RelayTerms): void {
  const sender = keySender(openChain({ chainId, rpcUrl }), privateKeyToAccount(key))
  const allowance = openAllowance({ most: MOST_AN_HOUR, windowMs: HOUR_MS, now: Date.now })
  let running = 0

  app.post('/api/deposits', { bodyLimit: 16_384 }, async (request) => {
    const { data } = parseWire(bodySchema, request.body, 'deposit.invalid')
    checkDeposit(data as Hex, least)
    allowance.take(request.ip)
    if (running >= MOST_AT_ONCE) {
      throw later('relay.busy', 'too many deposits are on their way', { fix: 'Try again in a few seconds.' })
    }
    running += 1
    try {
      const { transactionHash } = await sender.send({ to: ledger, data: data as Hex })
      return { hash: transactionHash }
    } catch (cause) {
      if (asHeuristError(cause).code !== 'gas.insufficient') throw cause
      throw later('relay.dry', 'this page has no gas left to relay deposits', {
        fix: 'Send the deposit by your wallet.',
        cause,
      })
    } finally {
      running -= 1
    }
  })
}

/** @throws `deposit.invalid`, `deposit.too_small` (refused). */
export function checkDeposit(data: Hex, least: bigint): void {
  const call = decoded(data)
  if (call?.functionName !== 'depositWithAuthorization') {
    throw refused('deposit.invalid', 'this is no signed deposit', { fix: 'Sign a deposit on this page.' })
  }
  const amount = call.args[5]
  if (amount >= least) return
  throw refused('deposit.too_small', `deposits below $${formatUsd(least)} are not relayed`, {
    fix: 'Deposit more, or send the transaction yourself.',
    details: { amount: amount.toString(), least: least.toString() },
  })
}

function decoded(data: Hex) {
  try {
    return decodeFunctionData({ abi: computeLedgerAbi, data })
  } catch {
    return undefined
  }
}
