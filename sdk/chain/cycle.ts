import type { Address } from 'viem'
import { ROLE } from '../protocol/messages.ts'
import {
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  registryAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from './abi.ts'
import { type BaseReport, type ProvenLeaf, unrecordedBase } from './base.ts'
import { burnCall } from './burns.ts'
import type { Call } from './call.ts'
import type { Chain } from './clients.ts'
import { emissionCall } from './emission.ts'
import { readClock } from './epochs.ts'
import { chainError } from './errors.ts'
import { lockCall } from './locks.ts'
import { BALLOT, type BallotName, voteCall } from './votes.ts'

/** The weekly cycle of the economy: what is due, and the calls that do it. Anyone may send them, twice is harmless. */

/** The contracts that the cycle reads and calls. */
export interface CyclePlace {
  ledger: Address
  registry: Address
  escrow: Address
  votes: Address
  emission: Address
  burner: Address
}

/** What of the cycle is due. Times in Unix seconds of the chain. */
export interface Cycle {
  time: number
  /** The present epoch. */
  epoch: number
  /** A lock was made, and the escrow's total of the last epoch that had one is not put away. */
  awaitsCheckpoint: boolean
  /** Ballots that were voted on or rolled before, and are not counted up to the next epoch. */
  unrolled: BallotName[]
  /** The oldest epoch that is over and not final; none if there is none. */
  open?: OpenEpoch
  /** Routers with an epoch that is over and whose fees the burner has not gathered. */
  ungathered: Address[]
  /** Revenue of pods' voters that is over and not closed. */
  revenue: { router: Address; pod: number }[]
  /** Nodes whose tips wait for the VoteController. */
  tips: number[]
}

export interface OpenEpoch {
  epoch: number
  finalizableAt: number
  /** Its probe report is challenged, and is judged until then; after it anyone lets the challenge lapse. */
  judgeUntil?: number
  /** Nodes that settled something at their home router in it and are not recorded. */
  unrecorded: number[]
  /** Leaves of its probe report that are known here, not recorded, and would count. */
  base: ProvenLeaf[]
  /** Its probe report stands, and what it gives was not recorded: not all that is known, or nothing of the unknown. */
  awaitsBase: boolean
}

/** What this machine knows of the probe report of an epoch; whether the chain has the same one is looked up. */
export type KnownReport = (epoch: number) => BaseReport | undefined | Promise<BaseReport | undefined>

/** One thing to do. */
export interface Act {
  name:
    | 'checkpoint'
    | 'roll'
    | 'gather'
    | 'close revenue'
    | 'lapse'
    | 'record'
    | 'record base'
    | 'finalize'
    | 'close tips'
  /** For people: of whom. */
  what: string
  call: Call
}

/** Nodes in one transaction: each costs up to about 150,000 gas. */
const MOST_RECORDED = 50
/** How far back revenue that nobody closed is looked for. Epochs. */
const LOOK_BACK = 104
/** `IEmissionController.ReportState`. */
export const REPORT_STATE = { none: 0, filed: 1, challenged: 2, void: 3 } as const
/**
 * How long base that is not recorded keeps us from finalizing an epoch that could be. Seconds: what the contract itself
 * leaves between two of them (`RECORD_SECONDS`). Nobody else has to wait, and we do not longer, so that no report stops
 * the epochs.
 */
export const BASE_PATIENCE = 86_400

/**
 * @param routers  Whose settlements are counted; the chain has no list of them.
 * @param known    Reports whose leaves are at hand; without them no base is recorded.
 */
export async function readCycle(
  chain: Chain,
  place: CyclePlace,
  routers: readonly Address[],
  known: KnownReport = () => undefined,
): Promise<Cycle> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const registry = { address: place.registry, abi: registryAbi } as const
  const votes = { address: place.votes, abi: voteControllerAbi } as const
  try {
    const [{ now: time, epoch }, nextEpoch, nodes, pods] = await Promise.all([
      readClock(chain),
      client.readContract({ ...emission, functionName: 'nextEpoch' }),
      client.readContract({ ...registry, functionName: 'countOf', args: [ROLE.node] }),
      client.readContract({ ...registry, functionName: 'countOf', args: [ROLE.pod] }),
    ])
    const nodeIds = upTo(nodes)
    const [checkpoint, unrolled, open, ungathered, revenue, tips] = await Promise.all([
      client.readContract({ address: place.escrow, abi: votingEscrowAbi, functionName: 'lastCheckpoint' }),
      only(['node', 'pod'] as const, async (ballot) => {
        const args = [BALLOT[ballot], 0] as const
        const rolled = await client.readContract({ ...votes, functionName: 'lastRoll', args })
        return rolled !== 0 && rolled <= epoch
      }),
      nextEpoch < epoch ? readOpen(chain, place, nextEpoch, nodeIds, known) : undefined,
      only(routers, async (router) => (await gatheredTo(chain, place, router)) < epoch),
      only(pairs(routers, upTo(pods)), ({ router, pod }) => hasRevenue(chain, place, router, pod, epoch)),
      only(nodeIds, async (node) => (await tipsOf(chain, place, node)) > 0n),
    ])
    const awaitsCheckpoint = checkpoint !== 0 && checkpoint < epoch
    return { time, epoch, awaitsCheckpoint, unrolled, ungathered, revenue, tips, ...(open ? { open } : {}) }
  } catch (cause) {
    throw chainError(cause)
  }
}

/** What of it can be done now, in the order in which it should be. */
export function dueActs(cycle: Cycle, place: CyclePlace): Act[] {
  const { time, epoch, open, ungathered, revenue, tips, awaitsCheckpoint, unrolled } = cycle
  const acts: Act[] = ungathered.map((router) => ({
    name: 'gather',
    what: `router ${router}`,
    call: burnCall.gather(place.burner, router),
  }))
  if (awaitsCheckpoint) {
    acts.push({
      name: 'checkpoint',
      what: `locks in epoch ${epoch}`,
      call: lockCall.checkpoint(place.escrow),
    })
  }
  for (const ballot of unrolled) {
    acts.push({
      name: 'roll',
      what: `all votes for ${ballot}s up to epoch ${epoch + 1}`,
      call: voteCall.roll(place.votes, ballot, 0),
    })
  }
  for (const { router, pod } of revenue) {
    acts.push({
      name: 'close revenue',
      what: `pod ${pod} at router ${router}`,
      call: voteCall.closeRevenue(place.votes, router, pod),
    })
  }
  if (open) acts.push(...actsFor(open, time, place))
  for (const node of tips) {
    acts.push({
      name: 'close tips',
      what: `node ${node}`,
      call: voteCall.closeTips(place.votes, node),
    })
  }
  return acts
}

/** Of the open epoch. What a report gives is recorded while its challenge waits too: its lapse may be finalized at once. */
function actsFor(open: OpenEpoch, time: number, { emission }: CyclePlace): Act[] {
  const { epoch, finalizableAt, judgeUntil, unrecorded, base, awaitsBase } = open
  const acts: Act[] = []
  const what = `epoch ${epoch}`
  if (judgeUntil !== undefined && judgeUntil < time)
    acts.push({ name: 'lapse', what, call: emissionCall.lapse(emission, epoch) })
  for (let at = 0; at < unrecorded.length; at += MOST_RECORDED) {
    const nodes = unrecorded.slice(at, at + MOST_RECORDED)
    acts.push({
      name: 'record',
      what: `${nodes.length} nodes in epoch ${epoch}`,
      call: emissionCall.record(emission, epoch, nodes),
    })
  }
  for (const { node, units, proof } of base) {
    acts.push({
      name: 'record base',
      what: `node ${node} in epoch ${epoch}`,
      call: emissionCall.recordBase(emission, epoch, node, units, proof),
    })
  }
  const from = awaitsBase ? finalizableAt + BASE_PATIENCE : finalizableAt
  if (judgeUntil === undefined && from <= time)
    acts.push({ name: 'finalize', what, call: emissionCall.finalize(emission, epoch) })
  return acts
}

// --------------------------------------------------------------------------------------------------------- reads

async function readOpen(
  chain: Chain,
  place: CyclePlace,
  epoch: number,
  nodes: number[],
  known: KnownReport,
): Promise<OpenEpoch> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const [finalizableAt, filed, judgeSeconds, { baseUnits }, unrecorded, report] = await Promise.all([
    client.readContract({ ...emission, functionName: 'finalizableAt' }),
    client.readContract({ ...emission, functionName: 'reportOf', args: [epoch] }),
    client.readContract({ ...emission, functionName: 'JUDGE_SECONDS' }),
    client.readContract({ ...emission, functionName: 'epochOf', args: [epoch] }),
    only(nodes, (node) => isUnrecorded(chain, place, epoch, node)),
    known(epoch),
  ])
  const isChallenged = filed.state === REPORT_STATE.challenged
  const stands = isChallenged || filed.state === REPORT_STATE.filed
  const isKnown = stands && report?.root === filed.root
  const base = isKnown ? await unrecordedBase(chain, place, report) : []
  return {
    epoch,
    finalizableAt: Number(finalizableAt),
    ...(isChallenged ? { judgeUntil: filed.challengedAt + Number(judgeSeconds) } : {}),
    unrecorded,
    base,
    awaitsBase: isKnown ? base.length > 0 : stands && baseUnits === 0n,
  }
}

async function isUnrecorded(chain: Chain, place: CyclePlace, epoch: number, node: number): Promise<boolean> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const [home, [recorded, , feePoints], active] = await Promise.all([
    client.readContract({ ...emission, functionName: 'homeIn', args: [node, epoch] }),
    client.readContract({ ...emission, functionName: 'recordOf', args: [node] }),
    client.readContract({
      address: place.registry,
      abi: registryAbi,
      functionName: 'isActiveIn',
      args: [ROLE.node, node, epoch],
    }),
  ])
  if (!active || /^0x0*$/.test(home) || (recorded === epoch && feePoints > 0n)) return false
  return (await unitsIn(chain, place, home, ROLE.node, node, epoch)) > 0n
}

const gatheredTo = (chain: Chain, place: CyclePlace, router: Address): Promise<number> =>
  chain.client.readContract({
    address: place.burner,
    abi: feeBurnerAbi,
    functionName: 'openFrom',
    args: [router],
  })

const tipsOf = (chain: Chain, place: CyclePlace, node: number): Promise<bigint> =>
  chain.client.readContract({
    address: place.emission,
    abi: emissionControllerAbi,
    functionName: 'tipsOf',
    args: [node],
  })

/**
 * Two reads for a pod that is idle, however long it has been. What its voters can draw from the ledger is zero then; what
 * somebody drew for them without closing it shows in the last epoch.
 */
async function hasRevenue(
  chain: Chain,
  place: CyclePlace,
  router: Address,
  pod: number,
  epoch: number,
): Promise<boolean> {
  const unitsOf = (each: number) => unitsIn(chain, place, router, ROLE.pod, pod, each)
  const args = [router, ROLE.voters, pod] as const
  const [last, drawable] = await Promise.all([
    unitsOf(epoch - 1),
    chain.client.readContract({
      address: place.ledger,
      abi: computeLedgerAbi,
      functionName: 'claimable',
      args,
    }),
  ])
  if (last === 0n && drawable === 0n) return false
  const from = await chain.client.readContract({
    address: place.votes,
    abi: voteControllerAbi,
    functionName: 'openFrom',
    args: [BALLOT.pod, router, pod],
  })
  if (from >= epoch) return false
  if (last > 0n) return true
  const older = upTo(Math.min(epoch - from, LOOK_BACK)).map((back) => epoch - back)
  const units = await Promise.all(older.map(unitsOf))
  return units.some((each) => each > 0n)
}

const unitsIn = (
  chain: Chain,
  { ledger }: CyclePlace,
  router: Address,
  role: number,
  id: number,
  epoch: number,
): Promise<bigint> =>
  chain.client.readContract({
    address: ledger,
    abi: computeLedgerAbi,
    functionName: 'unitsIn',
    args: [router, role, id, epoch],
  })

// ------------------------------------------------------------------------------------------------------- private

const upTo = (count: number): number[] => Array.from({ length: Math.max(0, count) }, (_, index) => index + 1)

const pairs = (routers: readonly Address[], pods: number[]) =>
  routers.flatMap((router) => pods.map((pod) => ({ router, pod })))

async function only<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(items.map(test))
  return items.filter((_, index) => kept[index])
}
