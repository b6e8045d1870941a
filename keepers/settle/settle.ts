import type { Hex } from 'viem'
import { asHeuristError, bug, type HeuristError, refused } from '../../sdk/errors.ts'
import type { Duty } from '../duty.ts'
import type { SettleLimits } from '../router/config.ts'
import type { Feed } from '../router/feed.ts'
import type { BatchRow, Ledger } from '../router/ledger/ledger.ts'
import type { Metrics } from '../router/metrics.ts'
import type { Chain, ChainRouter, Clock, Log, Outcome } from '../world.ts'
import { buildBatch, howManyFit } from './batch.ts'
import type { Standing } from './standing.ts'

export interface SettleDeps {
  chain: Chain
  ledger: Ledger
  clock: Clock
  log: Log
  feed: Feed
  metrics: Metrics
  limits: SettleLimits
  standing: Standing
}

/** A batch under way, and what the chain says of it. */
interface UnderWay {
  batch: BatchRow
  outcome: Outcome | undefined
  /** The transaction that settled it, if the ledger has moved past it. */
  settlement: { hash: Hex; outcome: Outcome } | undefined
  state: ChainRouter
  /** The router account's next nonce, blocks only. */
  nonce: number
}

export interface Seen {
  nowMs: number
  limits: Pick<SettleLimits, 'maxAgeMs' | 'maxLeaves'>
  underWay: UnderWay | undefined
  /** Receipts in no batch, and when the oldest of them was made; Unix ms. */
  waiting: number
  oldestAt: number
  /** When this process last sent the batch under way. Unix ms; 0 = never. */
  sentMs: number
}

export type Plan =
  /** It is in a block. */
  | { do: 'confirm'; batch: BatchRow; txHash: Hex; outcome: Outcome }
  /** The very bytes again: the chain may never have seen them. */
  | { do: 'send'; batch: BatchRow }
  /** Its transaction can no longer be mined, or was mined and failed: the same batch in another one. */
  | { do: 'resign'; batch: BatchRow }
  | { do: 'post' }

/** A transaction that is in no block after this long is sent again. */
const RESEND_MS = 5_000

/** Pure: what follows from what is seen. One batch is under way at a time, so they reach the chain in order. */
export function decide({ nowMs, limits, underWay, waiting, oldestAt, sentMs }: Seen): Plan | undefined {
  if (underWay) {
    const { batch, outcome, settlement, state, nonce } = underWay
    if (outcome?.succeeded) return { do: 'confirm', batch, txHash: batch.tx.hash, outcome }
    if (state.seq === batch.seq && state.batchHash !== batch.hash) throw differs(batch.seq)
    if (state.seq >= batch.seq) {
      return settlement && { do: 'confirm', batch, txHash: settlement.hash, outcome: settlement.outcome }
    }
    if (outcome || nonce > batch.tx.nonce) return { do: 'resign', batch }
    return nowMs - sentMs >= RESEND_MS ? { do: 'send', batch } : undefined
  }
  if (waiting === 0) return undefined
  const due = nowMs - oldestAt >= limits.maxAgeMs || waiting >= limits.maxLeaves
  return due ? { do: 'post' } : undefined
}

/**
 * Posts receipts as batches once the oldest is due; each signed transaction is stored before it is sent, and the same
 * bytes are sent again after any crash.
 */
export function createSettle(): Duty<Seen, Plan, SettleDeps> {
  let sentMs = 0

  async function post(deps: SettleDeps) {
    const { chain, ledger, clock, feed, metrics, limits } = deps
    const [last, unposted] = [await ledger.lastBatch(), await ledger.unposted(limits.maxLeaves)]
    const leaves = unposted.slice(0, howManyFit(unposted, limits.maxBytes))
    const batch = buildBatch(chain.router, leaves, last ?? FIRST)
    const tx = await chain.signSettle(batch.packed)
    await ledger.commit([{ op: 'batch.signed', batch, tx, at: clock.nowMs() }])
    metrics.batch('signed', leaves.length)
    feed.publish({
      type: 'batch',
      at: clock.nowMs(),
      seq: batch.seq,
      state: 'signed',
      leaves: leaves.length,
      gross: batch.gross,
      txHash: tx.hash,
    })
    await send(tx.raw, deps)
    return {
      did: 'post',
      seq: Number(batch.seq),
      leaves: leaves.length,
      gross: batch.gross.toString(),
      tx: tx.hash,
    }
  }

  async function send(raw: BatchRow['tx']['raw'], { chain, clock }: SettleDeps): Promise<void> {
    sentMs = clock.nowMs()
    await chain.broadcast(raw)
  }

  async function confirm(plan: Extract<Plan, { do: 'confirm' }>, deps: SettleDeps) {
    const { ledger, clock, log, feed, metrics } = deps
    const { batch, txHash, outcome } = plan
    const { block, floatUsed, skipped } = outcome
    const leaves = batch.lastLeaf - batch.firstLeaf + 1
    await ledger.commit([
      {
        op: 'batch.settled',
        seq: batch.seq,
        txHash,
        block,
        floatUsed,
        skipped: skipped.length,
        at: clock.nowMs(),
      },
    ])
    if (floatUsed > 0n) {
      log.error({ event: 'float.used', seq: Number(batch.seq), floatUsed: floatUsed.toString(), skipped })
    }
    metrics.batch('settled', leaves)
    feed.publish({
      type: 'batch',
      at: clock.nowMs(),
      seq: batch.seq,
      state: 'settled',
      leaves,
      gross: batch.gross,
      txHash,
      block,
    })
    return {
      did: 'confirm',
      seq: Number(batch.seq),
      block: Number(block),
      gasUsed: Number(outcome.gasUsed),
    }
  }

  async function resign({ batch }: Extract<Plan, { do: 'resign' }>, deps: SettleDeps) {
    const tx = await deps.chain.signSettle(batch.packed)
    await deps.ledger.commit([{ op: 'batch.resigned', seq: batch.seq, tx, at: deps.clock.nowMs() }])
    await send(tx.raw, deps)
    return { did: 'resign', seq: Number(batch.seq), tx: tx.hash }
  }

  return {
    name: 'settle',

    async observe({ chain, ledger, clock, limits }) {
      const batch = await ledger.unsettledBatch()
      const nowMs = clock.nowMs()
      if (!batch) {
        const [waiting, [oldest]] = [await ledger.unpostedCount(), await ledger.unposted(1)]
        return { nowMs, limits, underWay: undefined, waiting, oldestAt: oldest?.at ?? 0, sentMs }
      }
      // The nonce is read before the outcome: a transaction mined in between is then seen as mined.
      const nonce = await chain.nonce()
      const [outcome, state] = await Promise.all([chain.outcome(batch.tx.hash), chain.routerState()])
      const moved = !outcome?.succeeded && state.seq >= batch.seq
      const settlement = moved ? await chain.settlementOf(batch.seq) : undefined
      return {
        nowMs,
        limits,
        underWay: { batch, outcome, settlement, state, nonce },
        waiting: 0,
        oldestAt: 0,
        sentMs,
      }
    },

    decide,

    async act(plan, deps) {
      if (plan.do === 'confirm') return confirm(plan, deps)
      try {
        if (plan.do === 'post') return await post(deps)
        if (plan.do === 'resign') return await resign(plan, deps)
        await send(plan.batch.tx.raw, deps)
        return { did: 'send', seq: Number(plan.batch.seq), tx: plan.batch.tx.hash }
      } catch (cause) {
        // A chain that was set back has undone batches: they are posted again before anything new.
        const { error } = asHeuristError(cause).details
        if (error === 'BadSequence' || error === 'BadChain') await reconcile(deps)
        throw cause
      }
    },
  }
}

const FIRST = { seq: 0n, hash: `0x${'00'.repeat(32)}` as const }

/**
 * Holds journal and chain side by side before anything is posted: what the chain has undone is posted again.
 *
 * @throws `ledger.behind`, `ledger.differs` (refused): this data directory is not the one that routed on this chain.
 */
export async function reconcile({ chain, ledger, clock, log, limits }: SettleDeps): Promise<void> {
  const [state, last] = [await chain.routerState(), await ledger.lastBatch()]
  if (state.float < limits.lowFloat) {
    log.error({ event: 'float.low', float: state.float.toString(), least: limits.lowFloat.toString() })
  }
  if (state.seq > (last?.seq ?? 0n))
    throw foreign('ledger.behind', Number(state.seq), Number(last?.seq ?? 0n))
  if (state.seq > 0n && (await ledger.batch(state.seq))?.hash !== state.batchHash) {
    throw foreign('ledger.differs', Number(state.seq), Number(last?.seq ?? 0n))
  }
  for (let seq = state.seq + 1n; seq <= (last?.seq ?? 0n); seq += 1n) {
    const batch = await ledger.batch(seq)
    if (batch?.state !== 'settled') continue
    log.warn({ event: 'batch.undone', seq: Number(seq), tx: batch.tx.hash })
    await ledger.commit([{ op: 'batch.resigned', seq, tx: batch.tx, at: clock.nowMs() }])
  }
}

const differs = (seq: bigint): HeuristError =>
  bug('ledger.differs', `the chain has settled another batch ${seq} of this router`, {
    fix: 'One router key belongs to one ledger: stop the other router that uses this key.',
    details: { seq: Number(seq) },
  })

const foreign = (code: string, onChain: number, here: number): HeuristError =>
  refused(code, `the chain has ${onChain} batches of this router that its ledger does not know`, {
    fix: 'Start with the data directory that posted them; one router key belongs to one ledger. Locally: --reset.',
    details: { onChain, here },
  })
