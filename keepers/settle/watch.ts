import type { Duty } from '../duty.ts'
import type { SettleLimits } from '../router/config.ts'
import type { Ledger } from '../router/ledger/ledger.ts'
import type { Metrics } from '../router/metrics.ts'
import type { BondEvent, Chain, ChainBond, ChainRouter, ChainSync, Clock, Log } from '../world.ts'
import type { Standing } from './standing.ts'

export interface WatchDeps {
  chain: Chain
  ledger: Ledger
  clock: Clock
  log: Log
  metrics: Pick<Metrics, 'alarm' | 'standing'>
  limits: SettleLimits
  standing: Standing
}

export interface Watched {
  nowMs: number
  limits: Pick<SettleLimits, 'lowFloat' | 'lowBondBps' | 'headAgeMs'>
  sync: ChainSync
  state: ChainRouter
  bond: ChainBond
  events: BondEvent[]
  /** The last batch that the journal knows. */
  lastSeq: bigint
  /** What held at the last look, and which alarms rang then. */
  before: { standing: Watching; alarms: ReadonlySet<string> }
}

/** Something that a person must know of. `level` as in the log: an `error` wakes someone. */
export interface Alarm {
  event: string
  level: 'warn' | 'error'
  facts: Record<string, string | number | boolean>
}

/** What of the standing is seen at every look. */
export type Watching = Omit<Standing, 'differs'>

export interface WatchPlan {
  standing: Watching
  /** All that holds now; of those that held before only the name counts. */
  alarms: Alarm[]
  /** Those that ring now. */
  ringing: Alarm[]
}

/** Pure: how the router stands, and what somebody must know of. An alarm rings when it begins, not at every look. */
export function decideWatch(seen: Watched): WatchPlan | undefined {
  const { nowMs, limits, sync, state, before, lastSeq } = seen
  const ageMs = nowMs - sync.headAt * 1000
  const standing: Watching = {
    synced: !sync.syncing && ageMs <= limits.headAgeMs,
    allowed: state.allowed,
    behind: state.seq > lastSeq,
    float: state.float,
  }
  const alarms = [...alarmsOf(seen, standing), ...seen.events.map(alarmOf)]
  const ringing = alarms.filter(({ event }) => !before.alarms.has(event) || EACH.has(event))
  const same =
    ringing.length === 0 && alarms.length === before.alarms.size && equal(standing, before.standing)
  return same ? undefined : { standing, alarms, ringing }
}

const equal = (a: Watching, b: Watching): boolean =>
  a.synced === b.synced && a.allowed === b.allowed && a.behind === b.behind && a.float === b.float

/** Rings every time, because each is another one. */
const EACH: ReadonlySet<string> = new Set(['bond.claim_filed', 'bond.claim_resolved'])

function alarmsOf({ nowMs, limits, sync, state, bond, lastSeq }: Watched, now: Watching): Alarm[] {
  const alarms: Alarm[] = []
  const ring = (level: Alarm['level'], event: string, facts: Alarm['facts']) =>
    alarms.push({ event, level, facts })
  if (!now.synced) {
    ring('warn', 'chain.behind', {
      syncing: sync.syncing,
      headAgeSeconds: Math.floor(nowMs / 1000) - sync.headAt,
    })
  }
  if (now.behind) ring('error', 'ledger.behind', { onChain: Number(state.seq), here: Number(lastSeq) })
  if (state.float < limits.lowFloat) {
    ring('error', 'float.low', { float: String(state.float), least: String(limits.lowFloat) })
  }
  const free = bond.asset - bond.reserved
  const comfortable = (bond.leastAsset * BigInt(limits.lowBondBps)) / 10_000n
  if (free < comfortable || bond.heu < bond.leastHeu) {
    ring('error', 'bond.low', {
      asset: String(free),
      leastAsset: String(bond.leastAsset),
      heu: String(bond.heu),
      leastHeu: String(bond.leastHeu),
    })
  }
  if (!state.allowed) {
    ring('error', 'bond.stopped', {
      owedAsset: String(bond.owedAsset),
      owedHeu: String(bond.owedHeu),
      convicted: bond.convictedAt !== 0,
    })
  }
  if (bond.reserved > 0n) ring('error', 'bond.claims_open', { reserved: String(bond.reserved) })
  if (bond.exitAt !== 0) ring('warn', 'bond.exiting', { exitAt: bond.exitAt })
  return alarms
}

function alarmOf(event: BondEvent): Alarm {
  if (event.kind === 'convicted')
    return { event: 'bond.convicted', level: 'error', facts: { leaf: event.leaf } }
  const { role, id, round } = event
  if (event.kind === 'resolved') {
    return {
      event: 'bond.claim_resolved',
      level: event.paid > 0n ? 'error' : 'warn',
      facts: { role, id, round, paid: String(event.paid) },
    }
  }
  const facts = { role, id, round, gross: String(event.gross), asked: String(event.asked) }
  return { event: 'bond.claim_filed', level: 'error', facts }
}

/** Watches chain, float and bond, keeps `standing`, and rings. */
export function createWatch(): Duty<Watched, WatchPlan, WatchDeps> {
  let block: bigint | undefined
  let alarms: ReadonlySet<string> = new Set()

  return {
    name: 'watch',

    async observe({ chain, ledger, clock, limits, standing }) {
      const [sync, state, bond] = await Promise.all([chain.sync(), chain.routerState(), chain.bond()])
      // What was filed before the start shows in the bond itself; a chain that was set back is followed from its end.
      const from = block === undefined || sync.head < block ? sync.head : block
      const { upTo, events } = await chain.bondEventsAfter(from)
      const last = await ledger.lastBatch()
      block = upTo
      return {
        nowMs: clock.nowMs(),
        limits,
        sync,
        state,
        bond,
        events,
        lastSeq: last?.seq ?? 0n,
        before: { standing, alarms },
      }
    },

    decide: decideWatch,

    async act({ standing, alarms: all, ringing }, deps) {
      Object.assign(deps.standing, standing)
      alarms = new Set(all.map(({ event }) => event).filter((event) => !EACH.has(event)))
      for (const { event, level, facts } of ringing) {
        deps.log[level]({ event, ...facts })
        deps.metrics.alarm(event)
      }
      deps.metrics.standing(standing)
      const { synced, allowed, behind, float } = standing
      return { synced, allowed, behind, float: String(float), alarms: alarms.size }
    },
  }
}
