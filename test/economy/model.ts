import {
  baseOf,
  burntFor,
  dynamicOf,
  fallingPrice,
  LEAST_WEIGHT,
  lotCost,
  medianPrice,
  partOf,
  perEpoch,
  points,
  power,
  quotaOf,
  rewardShare,
  rewardSums,
  tipOf,
} from '../../sdk/protocol/emission.ts'

/**
 * A whole economy, told plainly: every vote ever cast is in a list, every sum is added up anew by a loop, nothing is kept in
 * advance. What the contracts say after the same acts must be the same to the wei.
 */
export const NODES = [1, 2, 3, 4] as const
export const PODS = [1, 2] as const
export const VOTERS = [0, 1, 2] as const
export const MOST_EPOCHS = 104
const DAY = 86_400n
const RULES = { capBps: 500n, baseBps: 125n, lambdaBps: 3_000n, betaBps: 25_000n, etaBps: 5_000n, quota: 1n }
const FEE_BPS = 500n
const VOTER_BPS = 500n
/** Burnt of a call without a frontend, beside the protocol's own. */
const FRONTEND_BPS = 1_000n
const LEAST_LOT = 10_000_000n
const FIRST_PRICE = 50n * 10n ** 18n

export type Ballot = 0 | 1

interface Vote {
  ballot: Ballot
  who: number
  id: number
  from: number
  amount: bigint
  end: number
}
/** One paid epoch of a target. */
interface Reward {
  ballot: Ballot
  id: number
  epoch: number
  amount: bigint
  weight: bigint
}
/** What one epoch issued and burnt. */
export interface Issued {
  base: bigint
  dynamic: bigint
  burnt: bigint
}

export class EconomyModel {
  epoch: number
  locks = new Map<number, { amount: bigint; end: number }>()
  bps = new Map<string, bigint>()
  readonly #votes: Vote[] = []
  readonly #work: { node: number; pod: number; epoch: number; gross: bigint; bare: boolean }[] = []
  /** Whether a node has a home router, after every change. */
  readonly #homes: { node: number; from: number; on: boolean }[] = []
  /** Active stake after every change. */
  readonly #stakes: { node: number; epoch: number; active: bigint }[] = []
  readonly #tips: { node: number; from: number; bps: bigint }[] = []
  readonly #rewards: Reward[] = []
  readonly #claimed = new Map<string, number>()
  readonly #feeUnits = new Map<number, bigint>()
  readonly #baseUnits = new Map<number, bigint>()
  readonly #prices = [FIRST_PRICE]
  readonly owed = new Map<number, bigint>(NODES.map((node) => [node, 0n]))
  issued = 0n

  constructor(epoch: number) {
    this.epoch = epoch
  }

  lock(who: number, amount: bigint, end: number): void {
    const old = this.locks.get(who)
    this.locks.set(who, { amount: (old?.amount ?? 0n) + amount, end })
  }

  vote(who: number, ballot: Ballot, id: number, bps: bigint): void {
    const { amount = 0n, end = 0 } = this.locks.get(who) ?? {}
    this.bps.set(`${ballot} ${who} ${id}`, bps)
    this.#votes.push({ ballot, who, id, from: this.epoch + 1, amount: (amount * bps) / 10_000n, end })
  }

  /** Basis points that the account may still give a target. */
  room(who: number, ballot: Ballot, id: number): bigint {
    const others = ballot === 0 ? NODES : PODS
    return others.reduce(
      (left, other) => (other === id ? left : left - (this.bps.get(`${ballot} ${who} ${other}`) ?? 0n)),
      10_000n,
    )
  }

  /** @param bare  Whether the call came by no frontend. */
  work(node: number, pod: number, gross: bigint, bare: boolean): void {
    this.#work.push({ node, pod, epoch: this.epoch, gross, bare })
  }

  home(node: number, on: boolean): void {
    this.#homes.push({ node, from: this.epoch + 1, on })
  }

  active(node: number): bigint {
    return this.#stakes.findLast((stake) => stake.node === node)?.active ?? 0n
  }

  /** Adds, or takes away if negative. */
  stake(node: number, change: bigint): void {
    this.#stakes.push({ node, epoch: this.epoch, active: this.active(node) + change })
  }

  tip(node: number, bps: bigint): void {
    this.#tips.push({ node, from: this.epoch + 1, bps })
  }

  weight(ballot: Ballot, id: number, epoch: number): bigint {
    return sum(VOTERS, (who) => this.#votesIn(ballot, who, id, epoch))
  }

  /** The epoch before this one is recorded, its lot is sold `sold` seconds after its end (or not), and it becomes final. */
  finish(probed: number, probes: bigint, sold: bigint): Issued {
    const epoch = this.epoch - 1
    const { burnt, lot } = this.#sell(epoch, sold)
    const total = sum(NODES, (node) => this.weight(0, node, epoch))
    const boost = (node: number, lastUnits: bigint) => ({
      betaBps: RULES.betaBps,
      lastUnits,
      weight: this.weight(0, node, epoch),
      total,
    })
    const fees = NODES.map((node) => {
      const at = this.#homes.findLast((home) => home.node === node && home.from <= epoch)
      const units = at?.on === false ? 0n : this.#units(epoch, (work) => work.node === node)
      return { node, units, points: points(units, boost(node, this.#feeUnits.get(epoch - 1) ?? 0n)) }
    })
    const counted = least(probes, quotaOf(this.#counted(probed, epoch), RULES.quota))
    const basePoints =
      counted === 0n ? 0n : points(counted, boost(probed, this.#baseUnits.get(epoch - 1) ?? 0n))
    this.#feeUnits.set(
      epoch,
      sum(fees, ({ units }) => units),
    )
    this.#baseUnits.set(epoch, counted)
    const feePoints = sum(fees, (fee) => fee.points)
    const [cap, whole] = [perEpoch(RULES.capBps), perEpoch(RULES.baseBps)]
    const base = baseOf(whole, basePoints, quotaOf(this.#staked(epoch), RULES.quota), RULES.etaBps)
    const matched = burntFor(burnt, lot, this.#feeUnits.get(epoch) ?? 0n, FEE_BPS)
    const dynamic = feePoints === 0n ? 0n : dynamicOf(cap - whole, RULES.lambdaBps, matched)
    this.issued += base + dynamic
    for (const { node, points: own } of fees) {
      const amount =
        (node === probed ? partOf(base, basePoints, basePoints || 1n) : 0n) + partOf(dynamic, own, feePoints)
      this.#earn(node, epoch, amount)
    }
    for (const pod of PODS) {
      const revenue = (this.#units(epoch, (work) => work.pod === pod) * VOTER_BPS) / 10_000n
      this.#reward(1, pod, epoch, revenue)
    }
    return { base, dynamic, burnt }
  }

  /** What the account is due of a target, by one rounding; noted as paid. */
  claim(who: number, ballot: Ballot, id: number): bigint {
    const key = `${ballot} ${who} ${id}`
    const from = this.#claimed.get(key) ?? 0
    const parts = sum(this.#rewards, (reward) => {
      if (reward.ballot !== ballot || reward.id !== id || reward.epoch <= from) return 0n
      const vote = this.#voteIn(ballot, who, id, reward.epoch)
      if (!vote || vote.end <= reward.epoch) return 0n
      const { a, b } = rewardSums(reward.amount, reward.epoch, reward.weight)
      return rewardShare(vote.amount, vote.end, a, b)
    })
    const due = parts >> 128n
    if (due !== 0n) this.#claimed.set(key, this.epoch - 1)
    return due
  }

  claimNode(node: number): bigint {
    const due = this.owed.get(node) ?? 0n
    this.owed.set(node, 0n)
    return due
  }

  #sell(epoch: number, sold: bigint): { burnt: bigint; lot: bigint } {
    const bare = this.#units(epoch, (work) => work.bare)
    const lot = (this.#units(epoch, () => true) * FEE_BPS) / 10_000n + (bare * FRONTEND_BPS) / 10_000n
    if (lot < LEAST_LOT) return { burnt: 0n, lot }
    const start = 2n * medianPrice(this.#prices)
    const price = fallingPrice(start, sold === 0n ? 3n * DAY : sold - DAY, DAY)
    this.#prices.push(price)
    return { burnt: sold === 0n ? 0n : lotCost(lot, price), lot }
  }

  #earn(node: number, epoch: number, amount: bigint): void {
    const bps = this.#tips.findLast((tip) => tip.node === node && tip.from <= epoch)?.bps ?? 0n
    const tip = tipOf(amount, bps, this.weight(0, node, epoch))
    this.owed.set(node, (this.owed.get(node) ?? 0n) + amount - tip)
    this.#reward(0, node, epoch, tip)
  }

  #reward(ballot: Ballot, id: number, epoch: number, amount: bigint): void {
    const weight = this.weight(ballot, id, epoch)
    if (amount !== 0n && weight >= LEAST_WEIGHT) this.#rewards.push({ ballot, id, epoch, amount, weight })
  }

  #voteIn(ballot: Ballot, who: number, id: number, epoch: number): Vote | undefined {
    return this.#votes.findLast(
      (vote) => vote.ballot === ballot && vote.who === who && vote.id === id && vote.from <= epoch,
    )
  }

  #votesIn(ballot: Ballot, who: number, id: number, epoch: number): bigint {
    const vote = this.#voteIn(ballot, who, id, epoch)
    return vote ? power(vote.amount, vote.end, epoch) : 0n
  }

  #units(epoch: number, which: (work: { node: number; pod: number; bare: boolean }) => boolean): bigint {
    return sum(this.#work, (work) => (work.epoch === epoch && which(work) ? work.gross : 0n))
  }

  /** The least that was active at any time from the beginning of the epoch until now. */
  #counted(node: number, epoch: number): bigint {
    const own = this.#stakes.filter((stake) => stake.node === node)
    const atStart = own.findLast((stake) => stake.epoch < epoch)?.active ?? 0n
    const during = own.filter((stake) => stake.epoch === epoch).map(({ active }) => active)
    return [...during, this.active(node)].reduce(least, atStart)
  }

  /** Of all nodes, when the epoch began. */
  #staked(epoch: number): bigint {
    return sum(
      NODES,
      (node) => this.#stakes.findLast((stake) => stake.node === node && stake.epoch < epoch)?.active ?? 0n,
    )
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
function sum<T>(list: readonly T[], amount: (item: T) => bigint): bigint {
  return list.reduce((total, item) => total + amount(item), 0n)
}
