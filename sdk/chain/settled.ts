import type { Address, Hex } from 'viem'
import { asHeuristError } from '../errors.ts'
import { type PayeeLine, unpackBatch } from '../protocol/batch.ts'
import type { Hasher } from '../protocol/messages.ts'
import { payerOf, SKIP_REASONS, type SkipReason } from '../settlement.ts'
import { computeLedgerAbi } from './abi.ts'
import { packedBatchIn } from './calldata.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { ledgerHistory, newestOf } from './history.ts'

/** Settled batches as the chain itself tells them; nothing of this is a router's word. Base units. */

export interface Settlement {
  seq: bigint
  root: Hex
  /** Of the index of its data, which the router serves. */
  dataHash: Hex
  gross: bigint
  txHash: Hex
  block: bigint
  /** Unix seconds. */
  settledAt: number
}

/** One payer's line: taken out of its credit, or, where `skipped` says why it could not be, out of the router's float. */
export interface DebitLine {
  /** The key that signed its voucher, lower case; undefined if the signature is none. */
  payer: Address | undefined
  charge: bigint
  skipped?: SkipReason
}

export interface SettlementLines {
  debits: DebitLine[]
  nodes: PayeeLine[]
  pods: PayeeLine[]
  frontends: PayeeLine[]
}

interface Books {
  chain: Chain
  ledger: Address
  router: Address
}

/** The newest batches of a router, newest first. @throws `chain.unreachable` (later). */
export async function readSettlements({ chain, ledger, router }: Books, most: number): Promise<Settlement[]> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const { seq } = await chain.client
    .readContract({ ...books, functionName: 'routerOf', args: [router] })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  const want = Math.min(most, Number(seq))
  const events = await newestOf(chain, books, 'BatchSettled', { router }, want)
  return Promise.all(events.map((event) => settlementOf(chain, event)))
}

/**
 * One batch with its lines, out of the transaction that settled it.
 *
 * @returns undefined if the router settled no such batch; without `lines`, if a contract settled it out of bytes that its
 * transaction does not show.
 * @throws `chain.unreachable` (later).
 */
export async function readSettlement(
  { chain, ledger, router, hasher }: Books & { hasher: Hasher },
  seq: bigint,
): Promise<(Settlement & { lines?: SettlementLines }) | undefined> {
  const [event] = await ledgerHistory(chain, ledger, 'BatchSettled', { router, seq })
  if (!event) return undefined
  const skips = await ledgerHistory(chain, ledger, 'LineSkipped', { router, seq })
  const settlement = await settlementOf(chain, event)
  const { input } = await chain.client
    .getTransaction({ hash: event.transactionHash })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  try {
    const batch = unpackBatch(packedBatchIn(event.transactionHash, input, event.args))
    const reasons = new Map(skips.map(({ args }) => [Number(args.index), SKIP_REASONS[args.reason]]))
    const debits = batch.payers.map(async (line, index): Promise<DebitLine> => {
      const skipped = reasons.get(index)
      const payer = await payerOf({ hasher, router }, line)
      return { payer, charge: line.charge, ...(skipped ? { skipped } : {}) }
    })
    const { nodes, pods, frontends } = batch
    return { ...settlement, lines: { debits: await Promise.all(debits), nodes, pods, frontends } }
  } catch (cause) {
    if (asHeuristError(cause).code !== 'batch.unreadable') throw cause
    return settlement
  }
}

async function settlementOf(
  { client }: Chain,
  event: Awaited<ReturnType<typeof ledgerHistory<'BatchSettled'>>>[number],
): Promise<Settlement> {
  const { seq, root, dataHash, gross } = event.args
  const { timestamp } = await client.getBlock({ blockNumber: event.blockNumber }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const { transactionHash: txHash, blockNumber: block } = event
  return { seq, root, dataHash, gross, txHash, block, settledAt: Number(timestamp) }
}
