import type { Hex } from 'viem'
import { bug, type HeuristError } from '../../sdk/errors.ts'
import type { SettleLimits } from '../router/config.ts'
import type { BatchRow } from '../router/ledger/ledger.ts'
import type { ChainRouter, Outcome } from '../world.ts'
import { type Due, type DueFacts, dueOf } from './due.ts'
import type { Standing } from './standing.ts'

/** A transaction that is in a block. */
export interface Mined {
  hash: Hex
  outcome: Outcome
}

/** A batch under way, and what the chain says of it. */
export interface UnderWay {
  batch: BatchRow
  /** Of all transactions that were signed for it: the one that settled it, or else one that failed. */
  mined: Mined | undefined
  /** The transaction that settled it, if the ledger has moved past it. */
  settlement: Mined | undefined
  state: ChainRouter
  /** The router account's next nonce, blocks only. */
  nonce: number
}

/** The oldest batch that may still be undone, nothing being under way. */
export interface Unfinal {
  batch: BatchRow
  /** Number of the newest batch. */
  lastSeq: bigint
  state: ChainRouter
  /** What stands on chain under its number. */
  root: Hex | undefined
  /** Its transaction, if it is in a block now. */
  outcome: Outcome | undefined
  head: bigint
}

/** When this process sent the newest transaction first and last, Unix ms. */
export interface Sent {
  hash: Hex
  firstMs: number
  lastMs: number
}

export interface Seen {
  nowMs: number
  limits: DueFacts['limits'] & Pick<SettleLimits, 'stuckMs' | 'finalityBlocks'>
  standing: Pick<Standing, 'synced' | 'allowed'>
  underWay: UnderWay | undefined
  unfinal: Unfinal | undefined
  due: Omit<DueFacts, 'nowMs' | 'limits'>
  sent: Sent | undefined
}

export type Plan =
  /** It is in a block, or in another one than before. */
  | { do: 'confirm'; batch: BatchRow; txHash: Hex; outcome: Outcome }
  /** Enough blocks stand on it. */
  | { do: 'finalize'; batch: BatchRow }
  /** The chain went back: batches above `seq` are under way again. */
  | { do: 'undo'; seq: bigint }
  /** The very bytes again: the chain may never have seen them. */
  | { do: 'send'; batch: BatchRow }
  /** No block takes it: the same batch at the same nonce, for more. */
  | { do: 'replace'; batch: BatchRow }
  /** Its transaction can no longer be mined, or was mined and failed: the same batch in another one. */
  | { do: 'resign'; batch: BatchRow }
  | { do: 'post'; why: Due }

/** A transaction that is in no block after this long is sent again. */
const RESEND_MS = 5_000

/**
 * Pure: what follows from what is seen. One batch is under way at a time, so they reach the chain in order.
 *
 * @throws `ledger.differs` (bug): somebody else settles with this key.
 */
export function decide(seen: Seen): Plan | undefined {
  const { nowMs, limits, standing, underWay, unfinal, due } = seen
  if (!standing.synced) return undefined
  if (underWay) return decideUnderWay(seen, underWay)
  const settled = unfinal && decideUnfinal(unfinal, limits.finalityBlocks)
  if (settled) return settled
  const why = standing.allowed ? dueOf({ nowMs, limits, ...due }) : undefined
  return why && { do: 'post', why }
}

function decideUnderWay({ nowMs, limits, sent }: Seen, underWay: UnderWay): Plan | undefined {
  const { batch, mined, settlement, state, nonce } = underWay
  if (mined?.outcome.succeeded) {
    return { do: 'confirm', batch, txHash: mined.hash, outcome: mined.outcome }
  }
  if (state.seq === batch.seq && state.batchHash !== batch.hash) throw differs(batch.seq)
  if (state.seq >= batch.seq) {
    return settlement && { do: 'confirm', batch, txHash: settlement.hash, outcome: settlement.outcome }
  }
  if (state.seq + 1n < batch.seq) return { do: 'undo', seq: state.seq }
  if (mined || nonce > batch.tx.nonce) return { do: 'resign', batch }
  if (sent?.hash !== batch.tx.hash) return { do: 'send', batch }
  if (nowMs - sent.lastMs < RESEND_MS) return undefined
  return { do: nowMs - sent.firstMs >= limits.stuckMs ? 'replace' : 'send', batch }
}

function decideUnfinal(unfinal: Unfinal, finalityBlocks: number): Plan | undefined {
  const { batch, lastSeq, state, root, outcome, head } = unfinal
  if (state.seq < lastSeq) return { do: 'undo', seq: state.seq }
  if (root !== batch.root) throw differs(batch.seq)
  if (outcome && outcome.block !== batch.block) {
    return { do: 'confirm', batch, txHash: batch.tx.hash, outcome }
  }
  const deepEnough = head >= (batch.block ?? head) + BigInt(finalityBlocks)
  return deepEnough ? { do: 'finalize', batch } : undefined
}

const differs = (seq: bigint): HeuristError =>
  bug('ledger.differs', `the chain has settled another batch ${seq} of this router`, {
    fix: 'One router key belongs to one ledger: stop the other router that uses this key.',
    details: { seq: Number(seq) },
  })
