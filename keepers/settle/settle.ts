import type { Hex } from 'viem'
import { asHeuristError } from '../../sdk/errors.ts'
import type { Duty } from '../duty.ts'
import type { SettleLimits } from '../router/config.ts'
import type { Feed } from '../router/feed.ts'
import type { BatchRow, Ledger } from '../router/ledger/ledger.ts'
import type { Metrics } from '../router/metrics.ts'
import type { Chain, Clock, Log } from '../world.ts'
import { type Credited, createCredited } from './credited.ts'
import { decide, type Plan, type Seen, type Sent } from './decide.ts'
import { gather } from './gather.ts'
import { createObserver } from './observe.ts'
import { undo } from './reconcile.ts'
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

type Done = Record<string, string | number | boolean>

/**
 * Posts receipts as batches once they are due; each signed transaction is stored before it is sent, the same bytes are
 * sent again after any crash, and a batch is watched until enough blocks stand on it.
 */
export function createSettle(): Duty<Seen, Plan, SettleDeps> {
  const observer = createObserver()
  const credited = createCredited()
  let sent: Sent | undefined
  /** The transaction whose capped fee was told. */
  let capped: Hex | undefined

  async function send(batch: Pick<BatchRow, 'tx'>, { chain, clock }: SettleDeps): Promise<void> {
    const { hash, raw } = batch.tx
    const nowMs = clock.nowMs()
    sent = { hash, firstMs: sent?.hash === hash ? sent.firstMs : nowMs, lastMs: nowMs }
    await chain.broadcast(raw)
  }

  async function post({ why }: Extract<Plan, { do: 'post' }>, deps: SettleDeps): Promise<Done> {
    const { chain, ledger, clock, feed, metrics } = deps
    const batch = await gather(deps, credited)
    const leaves = leavesIn(batch)
    const tx = await chain.signSettle(batch.packed)
    await ledger.commit([{ op: 'batch.signed', batch, tx, at: clock.nowMs() }])
    await observer.posted(batch.lastLeaf)
    metrics.batch('signed', leaves)
    const facts = { seq: batch.seq, leaves, gross: batch.gross, txHash: tx.hash }
    feed.publish({ type: 'batch', at: clock.nowMs(), state: 'signed', ...facts })
    await send({ tx }, deps)
    const gross = batch.gross.toString()
    return { did: 'post', why, seq: Number(batch.seq), leaves, gross, tx: tx.hash }
  }

  async function replace(batch: BatchRow, deps: SettleDeps): Promise<Done> {
    const { chain, ledger, clock, log, metrics } = deps
    try {
      const tx = await chain.replaceSettle(batch.packed, batch.tx)
      await ledger.commit([{ op: 'batch.resigned', seq: batch.seq, tx, at: clock.nowMs() }])
      metrics.batch('replaced', leavesIn(batch))
      await send({ tx }, deps)
      return { did: 'replace', seq: Number(batch.seq), stuck: batch.tx.hash, tx: tx.hash }
    } catch (cause) {
      const error = asHeuristError(cause)
      if (error.code !== 'fee.capped') throw cause
      if (capped !== batch.tx.hash) {
        log.error({ event: 'fee.capped', seq: Number(batch.seq), tx: batch.tx.hash, ...error.details })
        metrics.alarm('fee.capped')
      }
      capped = batch.tx.hash
      return resend(batch, deps)
    }
  }

  async function resign(batch: BatchRow, deps: SettleDeps): Promise<Done> {
    const tx = await deps.chain.signSettle(batch.packed)
    await deps.ledger.commit([{ op: 'batch.resigned', seq: batch.seq, tx, at: deps.clock.nowMs() }])
    await send({ tx }, deps)
    return { did: 'resign', seq: Number(batch.seq), tx: tx.hash }
  }

  async function resend(batch: BatchRow, deps: SettleDeps): Promise<Done> {
    await send(batch, deps)
    return { did: 'send', seq: Number(batch.seq), tx: batch.tx.hash }
  }

  /** What was undone goes out again as it was, before it may be replaced. */
  async function setBack(deps: SettleDeps, seq: bigint): Promise<number> {
    sent = undefined
    credited.forget()
    return undo(deps, seq)
  }

  async function carryOut(plan: Plan, deps: SettleDeps): Promise<Done> {
    switch (plan.do) {
      case 'confirm':
        return confirm(plan, deps, credited)
      case 'finalize':
        return finalize(plan.batch, deps)
      case 'undo':
        return { did: 'undo', batches: await setBack(deps, plan.seq) }
      case 'send':
        return resend(plan.batch, deps)
      case 'replace':
        return replace(plan.batch, deps)
      case 'resign':
        return resign(plan.batch, deps)
      case 'post':
        return post(plan, deps)
    }
  }

  return {
    name: 'settle',
    observe: async (deps) => ({ ...(await observer.observe(deps)), sent }),
    decide,
    async act(plan, deps) {
      try {
        return await carryOut(plan, deps)
      } catch (cause) {
        // A chain that was set back has undone batches: they are posted again before anything new.
        const { error } = asHeuristError(cause).details
        if (error === 'BadSequence' || error === 'BadChain') {
          await setBack(deps, (await deps.chain.routerState()).seq)
        }
        throw cause
      }
    },
  }
}

async function confirm(
  plan: Extract<Plan, { do: 'confirm' }>,
  deps: SettleDeps,
  credited: Credited,
): Promise<Done> {
  const { ledger, clock, log, feed, metrics } = deps
  const { batch, txHash, outcome } = plan
  const { block, floatUsed, skipped } = outcome
  const { seq, gross } = batch
  const leaves = leavesIn(batch)
  const at = clock.nowMs()
  const signedMs = Math.min(...(await ledger.transactionsOf(seq)).map(({ signedAt }) => signedAt))
  credited.add(batch.packed, signedMs, at)
  await ledger.commit([{ op: 'batch.settled', seq, txHash, block, floatUsed, skipped: skipped.length, at }])
  const done = { did: 'confirm', seq: Number(seq), block: Number(block), gasUsed: Number(outcome.gasUsed) }
  // The same batch in another block: nothing new to count.
  if (batch.state === 'settled') return done
  if (floatUsed > 0n) {
    log.error({ event: 'float.used', seq: Number(seq), floatUsed: floatUsed.toString(), skipped })
    metrics.alarm('float.used')
  }
  metrics.batch('settled', leaves)
  metrics.settled(outcome.gasUsed, floatUsed)
  feed.publish({ type: 'batch', at, seq, state: 'settled', leaves, gross, txHash, block })
  return done
}

async function finalize(batch: BatchRow, { ledger, clock, metrics }: SettleDeps): Promise<Done> {
  await ledger.commit([{ op: 'batch.final', seq: batch.seq, at: clock.nowMs() }])
  metrics.batch('final', leavesIn(batch))
  return { did: 'finalize', seq: Number(batch.seq) }
}

const leavesIn = ({ firstLeaf, lastLeaf }: Pick<BatchRow, 'firstLeaf' | 'lastLeaf'>): number =>
  lastLeaf - firstLeaf + 1
