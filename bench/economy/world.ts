import {
  issue,
  LEAST_WEIGHT,
  partOf,
  perEpoch,
  points,
  power,
  quotaOf,
  tipOf,
} from '../../sdk/protocol/emission.ts'
import { ballotOf, createPeople, type People, toWei, vote } from './agents.ts'
import { SHIPPED_PARAMS } from './attack.ts'
import { createDraw, type Draw } from './draw.ts'
import { giniOf } from './gini.ts'

/**
 * Ten years of agents on the real formulas: nodes, pods, frontends, voters and payers, week by week. Demand grows, crashes,
 * booms and stops; pods die with votes on them; whales and a vote market chase tips; a prober fails for half a year; a
 * coalition that is payer, node, pod, frontend and voter washes for a year. Amounts: HEU in wei, volumes in base units.
 */
export interface Size {
  weeks: number
  nodes: number
  pods: number
  frontends: number
  voters: number
  payers: number
}

export const FULL: Size = {
  weeks: 520,
  nodes: 2_000,
  pods: 2_000,
  frontends: 2_000,
  voters: 2_000,
  payers: 3_000,
}
export const QUICK: Size = { weeks: 230, nodes: 100, pods: 40, frontends: 20, voters: 120, payers: 300 }

/** One week. Money in dollars, HEU in whole ones: for people and charts. */
export interface Week {
  volume: number
  base: number
  dynamic: number
  burnt: number
  reserve: number
  reservoir: number
}

export interface Income {
  role: string
  dollars: number
  heu: number
}

export interface Decade {
  seed: number
  size: Size
  weeks: Week[]
  issued: number
  burnt: number
  reserve: number
  reservoir: number
  income: Income[]
  gini: { nodes: number; voters: number; frontends: number }
  coalition: { washed: number; lost: number; emitted: number; profit: number }
  proberFailed: { issuedOfBase: number; largestPart: number }
}

/** What the laboratory keeps from week to week. */
interface State extends People {
  draw: Draw
  reserve: bigint
  reservoir: bigint
  burnt: bigint
  lastFee: bigint
  lastBase: bigint
  demand: number
  /** Dollars for one HEU. */
  price: number
  coalition: { washed: number; emitted: number }
  failed: { issuedOfBase: number; largestPart: number; weeks: number }
}

const USD = 1_000_000
const RESERVE = 500_000_000n * 10n ** 18n
const PROBER_FAILS: readonly [number, number] = [200, 226]
/** Its node is the first one. */
const WASHES: readonly [number, number] = [100, 152]
/** Of the volume of the week. */
const WASHED = 0.05
const FEE = 0.05

/** What the market gives for demand in a week, as a factor of what it was. */
const SHOCKS: Record<number, number> = { 130: 0.3, 182: 2.2, 260: 4, 300: 0.4, 390: 0.05, 400: 15 }

export function liveDecade(seed: number, size: Size): Decade {
  const draw = createDraw(seed)
  const state: State = {
    ...createPeople(size, draw),
    draw,
    reserve: RESERVE,
    reservoir: 0n,
    burnt: 0n,
    lastFee: 0n,
    lastBase: 0n,
    demand: 20_000,
    price: 0.04,
    coalition: { washed: 0, emitted: 0 },
    failed: { issuedOfBase: 0, largestPart: 0, weeks: 0 },
  }
  const weeks = Array.from({ length: size.weeks }, (_, week) => live(week, state))
  return summary(seed, size, weeks, state)
}

function live(week: number, state: State): Week {
  const { draw, nodes } = state
  state.demand *= (SHOCKS[week] ?? 1) * Math.exp(0.004 + 0.05 * draw.normal())
  state.price *= Math.exp(0.06 * draw.normal() - 0.0018)
  vote(week, state, draw)
  const active = state.payers.filter(() => draw.part() < 0.9)
  const spent = (state.demand * sum(active)) / Math.max(1e-9, sum(state.payers) * 0.9)
  const wash = within(week, WASHES) ? WASHED * spent : 0
  const volumes = shares(
    nodes.map((node) => node.capacity * node.uptime * Math.exp(0.2 * draw.normal())),
    spent,
  )
  volumes[0] = (volumes[0] ?? 0) + wash
  payShares(week, state, spent, volumes)

  // The burn lot clears near the market, now and then not at all.
  const clears = draw.part() < 0.98
  const burnt = clears ? toWei((FEE * (spent + wash)) / (state.price * Math.exp(0.03 * draw.normal()))) : 0n
  state.burnt += burnt
  const out = emit(week, state, volumes, burnt, wash)
  return {
    volume: spent + wash,
    base: whole(out.base),
    dynamic: whole(out.dynamic),
    burnt: whole(burnt),
    reserve: whole(state.reserve),
    reservoir: whole(state.reservoir),
  }
}

/** The week's revenue to nodes, pods, frontends and pod voters. */
function payShares(week: number, state: State, spent: number, volumes: readonly number[]): void {
  const { nodes, pods, frontends, voters } = state
  const byPod = shares(
    pods.map((pod) => (week < pod.diesIn ? pod.liking : 0)),
    spent,
  )
  const byFrontend = shares(
    frontends.map(({ liking }) => liking),
    spent,
  )
  for (const [index, node] of nodes.entries()) node.dollars += 0.7 * (volumes[index] ?? 0)
  for (const [index, pod] of pods.entries()) pod.dollars += 0.1 * (byPod[index] ?? 0)
  for (const [index, frontend] of frontends.entries()) frontend.dollars += 0.1 * (byFrontend[index] ?? 0)
  const { weights } = ballotOf(week, voters, 'pod', pods.length)
  for (const voter of voters) {
    const weight = weights[voter.pod] ?? 0n
    if (weight < LEAST_WEIGHT) continue
    const share = Number((power(voter.amount, voter.end, week) * 1_000_000_000n) / weight) / 1e9
    voter.dollars += 0.05 * (byPod[voter.pod] ?? 0) * share
  }
}

/** What the week issues, by the formulas of the chain, to nodes and their voters. */
function emit(week: number, state: State, volumes: readonly number[], burnt: bigint, wash: number) {
  const { nodes } = state
  const { weights, total } = ballotOf(week, state.voters, 'node', nodes.length)
  const fee = volumes.map((volume) => BigInt(Math.floor(volume * USD)))
  const base = probed(week, state)
  const { betaBps } = SHIPPED_PARAMS
  const pointsOf = (units: readonly bigint[], lastUnits: bigint) =>
    units.map((each, index) => points(each, { betaBps, lastUnits, weight: weights[index] ?? 0n, total }))
  const [feePoints, basePoints] = [pointsOf(fee, state.lastFee), pointsOf(base, state.lastBase)]
  const [allFee, allBase] = [added(feePoints), added(basePoints)]
  const stake = added(nodes.map((node) => node.stake))
  const { reserve } = state
  const out = issue(SHIPPED_PARAMS, { basePoints: allBase, feePoints: allFee, stake, burnt, reserve })
  ;[state.lastFee, state.lastBase] = [added(fee), added(base)]
  state.reserve -= out.base + out.dynamic
  state.reservoir += out.kept

  const parts = nodes.map((_, index) => ({
    ofBase: partOf(out.base, basePoints[index] ?? 0n, allBase),
    ofFees: partOf(out.dynamic, feePoints[index] ?? 0n, allFee),
  }))
  tip(
    week,
    state,
    parts.map(({ ofBase, ofFees }) => ofBase + ofFees),
    weights,
  )
  note(week, state, { wash, washed: volumes[0] ?? 0, ofFees: parts[0]?.ofFees ?? 0n }, parts, out.base)
  return out
}

/** Probe units: the quota of the stake, for the part of the probes that was answered. */
function probed(week: number, { nodes }: State): bigint[] {
  const isFailed = within(week, PROBER_FAILS)
  return nodes.map((node, index) => {
    const answers = isFailed ? Number(index % 10 === 0) : node.uptime
    return (quotaOf(node.stake, SHIPPED_PARAMS.quota) * BigInt(Math.floor(answers * 1_000))) / 1_000n
  })
}

function tip(
  week: number,
  { nodes, voters }: State,
  earned: readonly bigint[],
  weights: readonly bigint[],
): void {
  const tips = nodes.map((node, index) => tipOf(earned[index] ?? 0n, node.tipBps, weights[index] ?? 0n))
  for (const [index, node] of nodes.entries()) {
    const [paid, weight] = [tips[index] ?? 0n, weights[index] ?? 0n]
    node.heu += (earned[index] ?? 0n) - paid
    node.lastTips = whole(paid) / Math.max(1, whole(weight))
  }
  for (const voter of voters) {
    const weight = weights[voter.node] ?? 0n
    if (weight < LEAST_WEIGHT) continue
    voter.heu += ((tips[voter.node] ?? 0n) * power(voter.amount, voter.end, week)) / weight
  }
}

/** What the coalition and the failed prober come to. */
function note(
  week: number,
  { coalition, failed, price }: State,
  { wash, washed, ofFees }: { wash: number; washed: number; ofFees: bigint },
  parts: readonly { ofBase: bigint }[],
  issued: bigint,
): void {
  coalition.washed += wash
  if (wash > 0) coalition.emitted += (whole(ofFees) * price * wash) / washed
  if (!within(week, PROBER_FAILS)) return
  const full = whole(perEpoch(SHIPPED_PARAMS.baseBps))
  failed.weeks += 1
  failed.issuedOfBase += whole(issued) / full
  failed.largestPart = parts.reduce(
    (largest, { ofBase }) => Math.max(largest, whole(ofBase) / full),
    failed.largestPart,
  )
}

function summary(seed: number, size: Size, weeks: Week[], state: State): Decade {
  const { nodes, pods, frontends, voters, price, coalition, failed } = state
  const dollarsOf = (all: readonly { dollars: number }[]) => sum(all.map(({ dollars }) => dollars))
  const heuOf = (all: readonly { heu: bigint }[]) => whole(added(all.map(({ heu }) => heu)))
  const worth = (all: readonly { dollars: number; heu: bigint }[]) =>
    giniOf(all.map(({ dollars, heu }) => dollars + whole(heu) * price))
  const lost = FEE * coalition.washed
  return {
    seed,
    size,
    weeks,
    issued: whole(RESERVE - state.reserve),
    burnt: whole(state.burnt),
    reserve: whole(state.reserve),
    reservoir: whole(state.reservoir),
    income: [
      { role: 'nodes', dollars: dollarsOf(nodes), heu: heuOf(nodes) },
      { role: 'pod deployers', dollars: dollarsOf(pods), heu: 0 },
      { role: 'frontends', dollars: dollarsOf(frontends), heu: 0 },
      { role: 'voters', dollars: dollarsOf(voters), heu: heuOf(voters) },
    ],
    gini: {
      nodes: worth(nodes),
      voters: worth(voters),
      frontends: giniOf(frontends.map(({ dollars }) => dollars)),
    },
    coalition: { ...coalition, lost, profit: coalition.emitted - lost },
    proberFailed: {
      issuedOfBase: failed.weeks === 0 ? 0 : failed.issuedOfBase / failed.weeks,
      largestPart: failed.largestPart,
    },
  }
}

// --------------------------------------------------------------------------------------------------------- private

function shares(weights: readonly number[], amount: number): number[] {
  const all = sum(weights)
  return weights.map((weight) => (all === 0 ? 0 : (amount * weight) / all))
}

const within = (week: number, [from, until]: readonly [number, number]): boolean =>
  week >= from && week < until
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)
const added = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)
const whole = (wei: bigint): number => Number(wei / 10n ** 14n) / 1e4
