import { power } from '../../sdk/protocol/emission.ts'
import type { Draw } from './draw.ts'
import type { Size } from './world.ts'

/** Who lives in the laboratory. HEU in wei; dollars as numbers, for they decide nothing on chain. */

export interface Node {
  /** What it can serve, relative to others. */
  capacity: number
  stake: bigint
  tipBps: bigint
  uptime: number
  dollars: number
  heu: bigint
  /** Tips of the last week per token-week of votes: what voters look at. */
  lastTips: number
}

/** A chaser votes anew every quarter for the best tip it sees; a loyal one renews its lock; a sleeper lets it end. */
export interface Voter {
  amount: bigint
  end: number
  weeks: number
  habit: 'chaser' | 'loyal' | 'sleeper'
  node: number
  pod: number
  heu: bigint
  dollars: number
}

export interface Pod {
  liking: number
  diesIn: number
  dollars: number
}

export interface Frontend {
  liking: number
  dollars: number
}

export interface People {
  nodes: Node[]
  pods: Pod[]
  voters: Voter[]
  frontends: Frontend[]
  /** What each payer would spend, relative to others. */
  payers: number[]
}

const QUARTER = 13

export function createPeople(size: Size, draw: Draw): People {
  return {
    nodes: Array.from({ length: size.nodes }, () => nodeOf(draw)),
    pods: Array.from({ length: size.pods }, (_, index) => podOf(draw, index, size)),
    voters: Array.from({ length: size.voters }, (_, index) => voterOf(draw, index, size)),
    frontends: Array.from({ length: size.frontends }, (_, index) => ({
      liking: 1 / (index + 1),
      dollars: 0,
    })),
    payers: Array.from({ length: size.payers }, () => Math.exp(1.5 * draw.normal())),
  }
}

const nodeOf = (draw: Draw): Node => ({
  capacity: Math.exp(draw.normal()),
  stake: toWei(5_000 * Math.exp(draw.normal())),
  tipBps: BigInt(draw.below(3_001)),
  uptime: 1 - 0.15 * draw.part() * draw.part(),
  dollars: 0,
  heu: 0n,
  lastTips: 0,
})

/** A fifth of all pods dies some day, with votes on them. */
const podOf = (draw: Draw, index: number, size: Size): Pod => ({
  liking: 1 / (index + 1),
  diesIn: draw.part() < 0.2 ? draw.below(size.weeks) : Number.POSITIVE_INFINITY,
  dollars: 0,
})

/** Three whales, one pool of a vote market, many others. */
function voterOf(draw: Draw, index: number, size: Size): Voter {
  const isWhale = index < 3
  const isPool = index === 3
  const weeks = isPool ? 104 : 26 + draw.below(79)
  const habits = ['chaser', 'loyal', 'sleeper'] as const
  return {
    amount: toWei(isWhale ? 8_000_000 : isPool ? 5_000_000 : 20_000 * Math.exp(1.3 * draw.normal())),
    end: weeks,
    weeks,
    habit: isPool || isWhale ? 'chaser' : (habits[draw.below(3)] ?? 'loyal'),
    node: draw.below(size.nodes),
    pod: draw.below(size.pods),
    heu: 0n,
    dollars: 0,
  }
}

/** Locks are renewed and votes are moved. Nodes notice: who has no votes tips more, who gets more tips less. */
export function vote(week: number, { voters, nodes, pods }: People, draw: Draw): void {
  for (const [index, voter] of voters.entries()) {
    if (voter.end <= week + 1 && voter.habit !== 'sleeper') voter.end = week + voter.weeks
    if (voter.habit !== 'chaser' || (week + index) % QUARTER !== 0) continue
    const seen = Array.from({ length: 20 }, () => draw.below(nodes.length))
    voter.node = bestOf(seen, (node) => nodes[node]?.lastTips ?? 0)
    haggle(nodes[voter.node], nodes[seen[0] ?? 0])
    const offered = Array.from({ length: 8 }, () => draw.below(pods.length))
    voter.pod = bestOf(offered, (pod) => (week < (pods[pod]?.diesIn ?? 0) ? (pods[pod]?.liking ?? 0) : 0))
  }
}

function haggle(chosen: Node | undefined, passed: Node | undefined): void {
  if (chosen && chosen.tipBps > 200n) chosen.tipBps -= 100n
  if (passed && passed.lastTips === 0 && passed.tipBps < 4_000n) passed.tipBps += 200n
}

const bestOf = (candidates: readonly number[], worth: (candidate: number) => number): number =>
  candidates.reduce((best, each) => (worth(each) > worth(best) ? each : best))

/** Token-weeks on each target, and all of them. */
export function ballotOf(week: number, voters: readonly Voter[], of: 'node' | 'pod', targets: number) {
  const weights: bigint[] = new Array(targets).fill(0n)
  for (const voter of voters) {
    weights[voter[of]] = (weights[voter[of]] ?? 0n) + power(voter.amount, voter.end, week)
  }
  return { weights, total: weights.reduce((total, weight) => total + weight, 0n) }
}

export const toWei = (heu: number): bigint => BigInt(Math.floor(heu * 1e6)) * 10n ** 12n
