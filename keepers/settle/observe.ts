import type { Address } from 'viem'
import type { BatchRow, Ledger } from '../router/ledger/ledger.ts'
import type { Chain } from '../world.ts'
import type { Mined, Seen, UnderWay, Unfinal } from './decide.ts'
import { piecesAfter, withPauses } from './pieces.ts'
import type { SettleDeps } from './settle.ts'
import { createTally, NOTHING, type Tally, type Waiting } from './waiting.ts'

/** What the settle duty sees. */
export interface Observer {
  observe(deps: SettleDeps): Promise<Omit<Seen, 'sent'>>
  /** Leaves up to this one went into a batch. */
  posted(lastLeaf: number): Promise<void>
}

/** Prices, vouchers and covers are looked at again after this long. */
const LOOK_MS = 10_000
/** Nodes with most unposted work whose cover is asked for. */
const MOST_COVERS = 100

type Market = Omit<Seen['due'], 'waiting'>
const UNKNOWN: Market = { gasPrice: 0n, expiry: undefined, covers: new Map(), nodeBps: 0n }

export function createObserver(): Observer {
  let tally: Tally | undefined
  let market = UNKNOWN
  let marketAtMs = 0

  async function waitingIn({ ledger }: SettleDeps): Promise<Waiting> {
    tally ??= createTally((await ledger.lastBatch())?.lastLeaf ?? 0)
    for await (const piece of piecesAfter(ledger, tally.last)) tally.add(piece)
    return tally.now()
  }

  async function due(deps: SettleDeps): Promise<Seen['due']> {
    const waiting = await waitingIn(deps)
    const nowMs = deps.clock.nowMs()
    const ageMs = waiting.leaves === 0 ? 0 : nowMs - waiting.oldestAt
    deps.metrics.waiting(ageMs / 1000, waiting.gross)
    if (waiting.leaves > 0 && nowMs - marketAtMs >= LOOK_MS) {
      market = await marketOf(deps, waiting)
      marketAtMs = nowMs
    }
    return { waiting, ...market }
  }

  return {
    async observe(deps) {
      const { ledger, chain, clock, limits, standing } = deps
      const seen = { nowMs: clock.nowMs(), limits, standing, underWay: undefined, unfinal: undefined }
      const nothingDue = { waiting: NOTHING, ...UNKNOWN }
      if (!standing.synced) return { ...seen, due: nothingDue }
      const batch = await ledger.unsettledBatch()
      if (batch) return { ...seen, underWay: await underWayOf(batch, chain, ledger), due: nothingDue }
      const settled = await ledger.unfinalBatch()
      const unfinal = settled && (await unfinalOf(settled, chain, ledger))
      return { ...seen, unfinal, due: await due(deps) }
    },
    async posted(lastLeaf) {
      if (tally) await withPauses(tally.drop(lastLeaf))
    },
  }
}

async function underWayOf(batch: BatchRow, chain: Chain, ledger: Ledger): Promise<UnderWay> {
  // The nonce is read before the outcomes: a transaction mined in between is then seen as mined.
  const nonce = await chain.nonce()
  const [mined, state] = await Promise.all([minedOf(batch, chain, ledger), chain.routerState()])
  const moved = !mined?.outcome.succeeded && state.seq >= batch.seq
  const found = moved ? await chain.settlementOf(batch.seq) : undefined
  return { batch, mined, settlement: found, state, nonce }
}

/** Of all transactions that were signed for a batch. A failed one counts only if no other settled it. */
async function minedOf(batch: BatchRow, chain: Chain, ledger: Ledger): Promise<Mined | undefined> {
  const candidates = await ledger.transactionsOf(batch.seq)
  const outcomes = await Promise.all(
    candidates.map(async ({ hash, nonce }) => ({ hash, nonce, outcome: await chain.outcome(hash) })),
  )
  const mined = outcomes.flatMap(({ hash, nonce, outcome }) => (outcome ? [{ hash, nonce, outcome }] : []))
  return mined.find(({ outcome }) => outcome.succeeded) ?? mined.find(({ nonce }) => nonce === batch.tx.nonce)
}

async function unfinalOf(batch: BatchRow, chain: Chain, ledger: Ledger): Promise<Unfinal> {
  const last = await ledger.lastBatch()
  const [state, root, outcome, head] = await Promise.all([
    chain.routerState(),
    chain.rootOf(batch.seq),
    chain.outcome(batch.tx.hash),
    chain.head(),
  ])
  return { batch, lastSeq: last?.seq ?? batch.seq, state, root, outcome, head }
}

async function marketOf({ chain, ledger, limits }: SettleDeps, waiting: Waiting): Promise<Market> {
  const nodes = [...waiting.payees.values()]
    .filter(({ role }) => role === 'node')
    .sort((a, b) => (a.gross < b.gross ? 1 : -1))
    .slice(0, MOST_COVERS)
  const [gasPrice, nodeBps, expiry, covers] = await Promise.all([
    limits.gasTokenPrice === 0n ? 0n : chain.gasPrice(),
    chain.nodeBps(),
    ledger.earliestExpiry(),
    Promise.all(nodes.map(async ({ id }) => [id, await chain.coverOf(id)] as const)),
  ])
  // Nothing covers a router that leaves or is stopped: posting sooner would help nobody.
  return { gasPrice, nodeBps, expiry, covers: new Map(covers.filter(([, cover]) => cover > 0n)) }
}

/** What the payers of a batch have on chain. */
export async function accountsOf(chain: Pick<Chain, 'balance'>, payers: readonly Address[]) {
  const distinct = [...new Set(payers)]
  const accounts = await Promise.all(distinct.map((payer) => chain.balance(payer)))
  return new Map(distinct.map((payer, index) => [payer, accounts[index] ?? NO_ACCOUNT]))
}

const NO_ACCOUNT = { deposited: 0n, spent: 0n, thawing: 0n }
