import {
  type Address,
  type Hex,
  type ReplacementReason,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import { type HeuristError, later, refused } from '../errors.ts'
import type { Chain } from './clients.ts'
import { chainError, revertOf } from './errors.ts'

/** How long to wait for a transaction to be in a block. */
const INCLUSION_TIMEOUT_MS = 60_000

/**
 * Waits until a transaction is in a block.
 *
 * @param gone  Whether it will never be in one; asked while it is not.
 * @returns undefined if it is gone.
 * @throws `chain.reverted` (refused) if it failed there, `chain.slow`, `chain.unreachable` (later).
 */
export async function included(chain: Chain, hash: Hex): Promise<TransactionReceipt>
export async function included(
  chain: Chain,
  hash: Hex,
  gone: () => Promise<boolean>,
): Promise<TransactionReceipt | undefined>
export async function included(
  chain: Chain,
  hash: Hex,
  gone?: () => Promise<boolean>,
): Promise<TransactionReceipt | undefined> {
  const endMs = Date.now() + INCLUSION_TIMEOUT_MS
  try {
    for (;;) {
      const receipt = await receiptOf(chain, hash)
      if (receipt?.status === 'success') return receipt
      if (receipt) throw await failureOf(chain, receipt)
      if (await gone?.()) return undefined
      if (Date.now() > endMs) throw slow()
      await new Promise((resolve) => setTimeout(resolve, chain.client.pollingInterval))
    }
  } catch (cause) {
    throw chainError(cause)
  }
}

/**
 * The same for a transaction of a wallet, whose owner may pay more for it there: then another one, of the same call, is it.
 *
 * @throws `transaction.replaced` (refused) if the wallet sent another call, or nothing, in its place.
 */
export async function includedOfWallet(chain: Chain, hash: Hex): Promise<TransactionReceipt> {
  let why: ReplacementReason | undefined
  const receipt = await chain.client
    .waitForTransactionReceipt({
      hash,
      timeout: INCLUSION_TIMEOUT_MS,
      onReplaced: ({ reason }) => {
        why = reason
      },
    })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  if (why === 'replaced' || why === 'cancelled') {
    throw refused(
      'transaction.replaced',
      `the wallet ${why === 'replaced' ? 'sent another call in place of' : 'cancelled'} this one`,
      {
        fix: 'Do it again, if you still want it.',
      },
    )
  }
  if (receipt.status === 'success') return receipt
  throw await failureOf(chain, receipt)
}

const slow = () => later('chain.slow', 'the transaction was sent but is not in a block yet')

/** The receipt of a transaction; undefined while no block holds it. */
export function receiptOf(chain: Chain, hash: Hex): Promise<TransactionReceipt | undefined> {
  return chain.client.getTransactionReceipt({ hash }).catch((cause: unknown) => {
    if (cause instanceof TransactionReceiptNotFoundError) return undefined
    throw cause
  })
}

/**
 * Whether a block holds another transaction of this account at this nonce. Only that is proof: a node that is behind
 * others knows no receipt of a transaction either.
 *
 * @param since  A block before it was signed.
 */
export async function displaced(
  { client }: Chain,
  { from, nonce, hash, since }: { from: Address; nonce: number; hash: Hex; since: bigint },
): Promise<boolean> {
  if ((await client.getTransactionCount({ address: from })) <= nonce) return false
  const latest = await client.getBlockNumber()
  for (let number = since; number <= latest; number += 1n) {
    const { transactions } = await client.getBlock({ blockNumber: number, includeTransactions: true })
    const taken = transactions.find((other) => other.nonce === nonce && isSame(other.from, from))
    if (taken) return taken.hash !== hash
  }
  return false
}

const isSame = (a: Address, b: Address): boolean => a.toLowerCase() === b.toLowerCase()

/** Why a transaction in a block failed: the same call at the block before tells, if the node still knows it. */
export async function failureOf(chain: Chain, receipt: TransactionReceipt): Promise<HeuristError> {
  const transaction = await chain.client.getTransaction({ hash: receipt.transactionHash })
  try {
    await chain.client.call({
      account: receipt.from,
      to: transaction.to,
      data: transaction.input,
      blockNumber: receipt.blockNumber - 1n,
    })
  } catch (cause) {
    const error = chainError(cause)
    if (error.code === 'chain.reverted') return error
  }
  return revertOf('0x', receipt.transactionHash)
}
