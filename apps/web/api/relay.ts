import type { FastifyInstance } from 'fastify'
import { type Address, decodeFunctionData, encodeFunctionData, type Hex, size } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import { openChain } from '../../../sdk/chain/clients.ts'
import { chainError } from '../../../sdk/chain/errors.ts'
import { keySender } from '../../../sdk/chain/key-sender.ts'
import { fetchNetwork } from '../../../sdk/chain/network.ts'
import { type HeuristError, later, refused } from '../../../sdk/errors.ts'
import { parseWire } from '../../../sdk/protocol/wire.ts'
import { formatUsd } from '../../../sdk/units.ts'
import { openTries, type Try } from './tries.ts'

/**
 * `POST /api/deposits`: brings a deposit that its giver signed to the chain, and pays the gas. The signature names
 * router, key and owner, so whoever relays it can send the money nowhere else.
 */

export interface RelayTerms {
  /** Whose network's deposits are relayed, and no other's. */
  routerUrl: string
  rpcUrl: string
  chainId: number
  ledger: Address
  /** Pays the gas. */
  key: Hex
  /** Smaller deposits are not worth their gas. Base units. */
  least: bigint
  /** So many a day, whoever asks: more gas than that is never spent. */
  mostADay: number
}

const DATA_BYTES = 2_048
const SIGNATURE_BYTES = 65
/** A wallet that is a contract signs in its own way: with several keys, or with a passkey. */
const MOST_SIGNATURE_BYTES = 1_024
const bodySchema = z.strictObject({
  data: z
    .string()
    .max(2 + 2 * DATA_BYTES)
    .regex(/^0x(?:[0-9a-f]{2})+$/, 'is bytes in hexadecimal'),
})
/** So many are on their way at a time, whoever asks. */
const MOST_AT_ONCE = 16

export function relayRoutes(app: FastifyInstance, terms: RelayTerms): void {
  const { rpcUrl, chainId, ledger, key, least, mostADay } = terms
  const chain = openChain({ chainId, rpcUrl })
  const sender = keySender(chain, privateKeyToAccount(key))
  const tries = openTries({ mostADay, now: Date.now })
  const routerOf = openRouter(terms)
  /** The same deposit asked for twice is one: its sending, by its bytes. */
  const going = new Map<Hex, Promise<Hex>>()

  app.post('/api/deposits', { bodyLimit: 16_384 }, async (request) => {
    const { data } = parseWire(bodySchema, request.body, 'deposit.invalid') as { data: Hex }
    checkDeposit(data, { least, router: await routerOf() })
    const same = going.get(data)
    if (same) return { hash: await same }
    // Nobody is charged for a try that found it busy.
    if (going.size >= MOST_AT_ONCE) {
      throw later('relay.busy', 'too many deposits are on their way', { fix: 'Try again in a few seconds.' })
    }
    const carrying = carry(data, tries.begin(request.ip)).finally(() => going.delete(data))
    going.set(data, carrying)
    return { hash: await carrying }
  })

  /** Gas is spent, and a deposit counted, only once a trial run shows that the chain would take it. */
  async function carry(data: Hex, attempt: Try): Promise<Hex> {
    try {
      await chain.client.estimateGas({ account: sender.address, to: ledger, data })
    } catch (cause) {
      if (chainError(cause).code !== 'chain.reverted') attempt.forget()
      throw inWords(cause)
    }
    const giveBack = attempt.carry()
    try {
      const { transactionHash } = await sender.send({ to: ledger, data })
      return transactionHash
    } catch (cause) {
      if (isDry(cause)) giveBack()
      throw inWords(cause)
    }
  }
}

const isDry = (cause: unknown): boolean => chainError(cause).code === 'gas.insufficient'

const inWords = (cause: unknown): HeuristError =>
  isDry(cause)
    ? later('relay.dry', 'this page has no gas left to relay deposits', {
        fix: 'Send the deposit by your wallet.',
        cause,
      })
    : chainError(cause)

/** The router of this page's network, asked for once it is needed. @throws `router.unreachable`, `network.differs`. */
function openRouter({ routerUrl, chainId, ledger }: RelayTerms): () => Promise<Address> {
  let router: Address | undefined
  return async () => {
    if (router !== undefined) return router
    const network = await fetchNetwork(routerUrl)
    if (network.chainId !== chainId || network.addresses.ledger !== ledger.toLowerCase()) {
      throw refused('network.differs', 'the router serves another ledger than this page', {
        fix: 'Tell the operator of this page.',
      })
    }
    router = network.router.address
    return router
  }
}

/**
 * Takes the call of the ledger alone, byte for byte: gas is paid for every byte, also for those that the contract never
 * reads.
 *
 * @throws `deposit.invalid`, `deposit.elsewhere`, `deposit.too_small` (refused).
 */
export function checkDeposit(data: Hex, { least, router }: { least: bigint; router: Address }): void {
  const call = decoded(data)
  if (!call || encodeFunctionData({ abi: computeLedgerAbi, ...call }) !== data || !areShort(call.args)) {
    throw refused('deposit.invalid', 'this is no signed deposit', { fix: 'Sign a deposit on this page.' })
  }
  const [to, , , , , amount] = call.args
  if (to.toLowerCase() !== router.toLowerCase()) {
    throw refused('deposit.elsewhere', 'this deposit is for another router than that of this page', {
      fix: 'Send the transaction by your wallet.',
      details: { router },
    })
  }
  if (amount >= least) return
  throw refused('deposit.too_small', `deposits below $${formatUsd(least)} are not relayed`, {
    fix: 'Deposit more, or send the transaction yourself.',
    details: { amount: amount.toString(), least: least.toString() },
  })
}

function decoded(data: Hex) {
  try {
    const call = decodeFunctionData({ abi: computeLedgerAbi, data })
    return call.functionName === 'depositWithAuthorization' ? call : undefined
  } catch {
    return undefined
  }
}

type Deposit = NonNullable<ReturnType<typeof decoded>>

/** A wallet's signature, and none or the key's own. */
const areShort = ([, , , , , , { signature }, opening]: Deposit['args']): boolean =>
  size(signature) >= SIGNATURE_BYTES &&
  size(signature) <= MOST_SIGNATURE_BYTES &&
  [0, SIGNATURE_BYTES].includes(size(opening))
