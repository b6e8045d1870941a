import { type Address, type Hex, TransactionNotFoundError, type TransactionReceipt } from 'viem'
import type { HeuristError } from '../errors.ts'
import type { Call } from './call.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { failureOf, receiptOf } from './inclusion.ts'

/** What became of a transaction that a wallet was asked for, whoever asks: also a page that was loaded again meanwhile. */

/** What was known before the wallet was asked. */
export interface Asked {
  from: Address
  call: Call
  /** The account's next nonce then; a wallet may choose another one. */
  nonce: number
  /** The newest block then. */
  since: bigint
  /** What the wallet answered, if it did. */
  hash?: Hex
  /** Whether `nonce` is known to be that of the transaction of this hash. */
  isNumbered?: boolean
}

/**
 * `unknown` = the chain knows nothing of it: it was never sent, or was dropped; `waiting` = no block holds it yet;
 * `replaced` = the wallet sent another call, or nothing, in its place, which only the nonce of the transaction itself proves. A
 * transaction for which the wallet pays more than it first did is the same one under another hash.
 */
export type Fate =
  | { state: 'unknown' | 'replaced' }
  /** With the nonce, where the chain's node knows the transaction. */
  | { state: 'waiting'; nonce?: number }
  | { state: 'included'; receipt: TransactionReceipt }
  | { state: 'reverted'; hash: Hex; error: HeuristError }

/** One look. @throws `chain.unreachable` (later). */
export async function fateOf(chain: Chain, asked: Asked): Promise<Fate> {
  try {
    if (asked.hash === undefined) return await fateOfCall(chain, asked)
    return await fateOfHash(chain, asked, asked.hash)
  } catch (cause) {
    throw chainError(cause)
  }
}

async function fateOfHash(chain: Chain, asked: Asked, hash: Hex): Promise<Fate> {
  const mined = await minedFate(chain, hash)
  if (mined) return mined
  const known = await chain.client.getTransaction({ hash }).catch((cause: unknown) => {
    if (cause instanceof TransactionNotFoundError) return undefined
    throw cause
  })
  if (known) return { state: 'waiting', nonce: known.nonce }
  if (!asked.isNumbered) return fateOfCall(chain, asked)
  const count = await chain.client.getTransactionCount({ address: asked.from })
  if (count <= asked.nonce) return { state: 'unknown' }
  const taker = await takerOf(chain, asked, asked.nonce)
  if (!taker) return { state: 'unknown' }
  return isThis(asked.call, taker)
    ? ((await minedFate(chain, taker.hash)) ?? { state: 'waiting' })
    : { state: 'replaced' }
}

/** The wallet may have had other transactions to send first: every nonce that was used since is looked at. */
async function fateOfCall(chain: Chain, asked: Asked): Promise<Fate> {
  const { hashes } = await sendings(chain, asked)
  const [hash] = hashes
  return hash === undefined ? { state: 'unknown' } : ((await minedFate(chain, hash)) ?? { state: 'waiting' })
}

/** What an account sent of one call. */
export interface Sendings {
  /** In blocks, oldest first. */
  hashes: Hex[]
  /** The account's next nonce: from here on nothing was looked at. */
  next: number
}

/**
 * Every transaction in a block that makes the call. A wallet that chooses its own nonces may send twice what it was asked for
 * twice.
 *
 * @throws `chain.unreachable` (later).
 */
export async function sendingsOf(chain: Chain, asked: Omit<Asked, 'hash'>): Promise<Sendings> {
  try {
    return await sendings(chain, asked)
  } catch (cause) {
    throw chainError(cause)
  }
}

async function sendings(chain: Chain, asked: Asked): Promise<Sendings> {
  const next = await chain.client.getTransactionCount({ address: asked.from })
  const hashes: Hex[] = []
  for (let nonce = asked.nonce; nonce < next; nonce += 1) {
    const taker = await takerOf(chain, asked, nonce)
    if (taker && isThis(asked.call, taker)) hashes.push(taker.hash)
  }
  return { hashes, next }
}

async function minedFate(chain: Chain, hash: Hex): Promise<Fate | undefined> {
  const receipt = await receiptOf(chain, hash)
  if (!receipt) return undefined
  if (receipt.status === 'success') return { state: 'included', receipt }
  return { state: 'reverted', hash, error: await failureOf(chain, receipt) }
}

interface Taker {
  hash: Hex
  to: Address | null
  input: Hex
}

const isThis = (call: Call, { to, input }: Taker): boolean =>
  to?.toLowerCase() === call.to.toLowerCase() && input === call.data

/** The transaction in a block that used a nonce, found by halving; undefined where the node forgot old states. */
async function takerOf({ client }: Chain, { from, since }: Asked, nonce: number): Promise<Taker | undefined> {
  let [low, high] = [since, await client.getBlockNumber({ cacheTime: 0 })]
  while (low < high) {
    const blockNumber = (low + high) / 2n
    const count = await client.getTransactionCount({ address: from, blockNumber }).catch(() => undefined)
    if (count === undefined) return undefined
    if (count > nonce) high = blockNumber
    else low = blockNumber + 1n
  }
  const { transactions } = await client.getBlock({ blockNumber: low, includeTransactions: true })
  return transactions.find((each) => each.nonce === nonce && each.from.toLowerCase() === from.toLowerCase())
}
