import type { Address } from 'viem'
import { ROLE } from '../protocol/messages.ts'
import {
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  registryAbi,
  voteControllerAbi,
} from './abi.ts'
import { burnCall } from './burns.ts'
import type { Call } from './call.ts'
import type { Chain } from './clients.ts'
import { emissionCall } from './emission.ts'
import { readClock } from './epochs.ts'
import { chainError } from './errors.ts'
import { BALLOT, voteCall } from './votes.ts'

/** The weekly cycle of the economy: what is due, and the calls that do it. Anyone may send them, twice is harmless. */

/** The contracts that the cycle reads and calls. */
export interface CyclePlace {
  ledger: Address
  registry: Address
  votes: Address
  emission: Address
  burner: Address
}

/** What of the cycle is due. Times in Unix seconds of the chain. */
export interface Cycle {
  time: number
  /** The present epoch. */
  epoch: number
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
  /** Whether its probe report waits for a verdict. */
  challenged: boolean
  /** Nodes that settled something at their home router in it and are not recorded. */
  unrecorded: number[]
}

/** One thing to do. */
export interface Act {
  name: 'gather' | 'record' | 'finalize' | 'close revenue' | 'close tips'
  /** For people: of whom. */
  what: string
  call: Call
}

/** Nodes in one transaction: each costs up to about 150,000 gas. */
const MOST_RECORDED = 50
/** How far back revenue that nobody closed is looked for. Epochs. */
const LOOK_BACK = 104
/** `ReportState.Challenged`. */
const CHALLENGED = 2

/** @param routers  Whose settlements are counted; the chain has no list of them. */
export async function readCycle(
  chain: Chain,
  place: CyclePlace,
  routers: readonly Address[],
): Promise<Cycle> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const registry = { address: place.registry, abi: registryAbi } as const
  try {
    const [{ now: time, epoch }, nextEpoch, nodes, pods] = await Promise.all([
      readClock(chain),
      client.readContract({ ...emission, functionName: 'nextEpoch' }),
      client.readContract({ ...registry, functionName: 'countOf', args: [ROLE.node] }),
      client.readContract({ ...registry, functionName: 'countOf', args: [ROLE.pod] }),
    ])
    const nodeIds = upTo(nodes)
    const [open, ungathered, revenue, tips] = await Promise.all([
      nextEpoch < epoch ? readOpen(chain, place, nextEpoch, nodeIds) : undefined,
      only(routers, async (router) => (await gatheredTo(chain, place, router)) < epoch),
      only(pairs(routers, upTo(pods)), ({ router, pod }) => hasRevenue(chain, place, router, pod, epoch)),
      only(nodeIds, async (node) => (await tipsOf(chain, place, node)) > 0n),
    ])
    return { time, epoch, ungathered, revenue, tips, ...(open ? { open } : {}) }
  } catch (cause) {
    throw chainError(cause)
  }
}

/** What of it can be done now, in the order in which it should be. */
export function dueActs({ time, open, ungathered, revenue, tips }: Cycle, place: CyclePlace): Act[] {
  const acts: Act[] = ungathered.map((router) => ({
    name: 'gather',
    what: `router ${router}`,
    call: burnCall.gather(place.burner, router),
  }))
  for (const { router, pod } of revenue) {
    acts.push({
      name: 'close revenue',
      what: `pod ${pod} at router ${router}`,
      call: voteCall.closeRevenue(place.votes, router, pod),
    })
  }
  for (let at = 0; open && at < open.unrecorded.length; at += MOST_RECORDED) {
    const nodes = open.unrecorded.slice(at, at + MOST_RECORDED)
    acts.push({
      name: 'record',
      what: `${nodes.length} nodes in epoch ${open.epoch}`,
      call: emissionCall.record(place.emission, open.epoch, nodes),
    })
  }
  if (open && !open.challenged && open.finalizableAt <= time) {
    acts.push({
      name: 'finalize',
      what: `epoch ${open.epoch}`,
      call: emissionCall.finalize(place.emission, open.epoch),
    })
  }
  for (const node of tips) {
    acts.push({
      name: 'close tips',
      what: `node ${node}`,
      call: voteCall.closeTips(place.votes, node),
    })
  }
  return acts
}

// --------------------------------------------------------------------------------------------------------- reads

async function readOpen(chain: Chain, place: CyclePlace, epoch: number, nodes: number[]): Promise<OpenEpoch> {
  const { client } = chain
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const [finalizableAt, report, unrecorded] = await Promise.all([
    client.readContract({ ...emission, functionName: 'finalizableAt' }),
    client.readContract({ ...emission, functionName: 'reportOf', args: [epoch] }),
    only(nodes, (node) => isUnrecorded(chain, place, epoch, node)),
  ])
  return { epoch, finalizableAt: Number(finalizableAt), challenged: report.state === CHALLENGED, unrecorded }
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

async function hasRevenue(
  chain: Chain,
  place: CyclePlace,
  router: Address,
  pod: number,
  epoch: number,
): Promise<boolean> {
  const from = await chain.client.readContract({
    address: place.votes,
    abi: voteControllerAbi,
    functionName: 'openFrom',
    args: [BALLOT.pod, router, pod],
  })
  const epochs = upTo(Math.min(epoch - from, LOOK_BACK)).map((back) => epoch - back)
  const units = await Promise.all(epochs.map((each) => unitsIn(chain, place, router, ROLE.pod, pod, each)))
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
