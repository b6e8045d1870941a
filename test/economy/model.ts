import {
  baseOf,
  burntFor,
  dynamicOf,
  type EmissionParams,
  LEAST_WEIGHT,
  partOf,
  perEpoch,
  points,
  power,
  quotaOf,
  rewardShare,
  rewardSums,
  tipOf,
} from '../../sdk/protocol/emission.ts'
import { BurnerModel } from './burner.ts'
import { LedgerModel, ROUTERS, type RouterNumber, type Split, type Work } from './ledger.ts'
import { StakeModel } from './stakes.ts'

/**
 * A whole economy, told plainly: every vote ever cast is in a list, every sum is added up anew by a loop, nothing is kept in
 * advance. What the contracts say after the same acts must be the same to the wei.
 */
export const NODES = [1, 2, 3, 4] as const
export const PODS = [1, 2] as const
export const VOTERS = [0, 1, 2] as const
export const MOST_EPOCHS = 104
const RULES = { capBps: 500n, baseBps: 125n, lambdaBps: 3_000n, betaBps: 25_000n, etaBps: 5_000n, quota: 1n }

export type Ballot = 0 | 1

interface Vote {
  ballot: Ballot
  who: number
  id: number
  from: number
  amount: bigint
  end: number
}
/** A lock as it stood when epoch `from` began, and after. */
interface Stood {
  who: number
  from: number
  amount: bigint
  end: number
}
/** One paid epoch of a target; tips have no router. */
interface Reward {
  ballot: Ballot
  router: RouterNumber | 0
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
/** What waits for its epoch to be final. */
interface Recorded {
  probed: number
  fees: { node: number; points: bigint }[]
  basePoints: bigint
}

export class EconomyModel {
  epoch: number
  locks = new Map<number, { amount: bigint; end: number }>()
  bps = new Map<string, bigint>()
  readonly #stood: Stood[] = []
  readonly #votes: Vote[] = []
  /** A node's home router, after every change; 0 for none. */
  readonly #homes: { node: number; from: number; router: RouterNumber | 0 }[] = []
  readonly #tips: { node: number; from: number; bps: bigint }[] = []
  readonly #rules: { from: number; rules: EmissionParams }[] = [{ from: 0, rules: RULES }]
  readonly #rewards: Reward[] = []
  readonly #claimed = new Map<string, number>()
  readonly #feeUnits = new Map<number, bigint>()
  readonly #baseUnits = new Map<number, bigint>()
  readonly ledger = new LedgerModel()
  readonly stakes = new StakeModel()
  readonly burner: BurnerModel
  readonly owed = new Map<number, bigint>(NODES.map((node) => [node, 0n]))
  #recorded: Recorded | undefined
  issued = 0n

  constructor(epoch: number) {
    this.epoch = epoch
    this.burner = new BurnerModel(this.ledger, epoch - 1)
  }

  lock(who: number, amount: bigint, end: number): void {
    const old = this.locks.get(who)
    const lock = { amount: (old?.amount ?? 0n) + amount, end }
    this.locks.set(who, lock)
    this.#stood.push({ who, from: this.epoch + 1, ...lock })
  }

  /** Power in `epoch` of what the account had locked when it began. */
  pastVotes(who: number, epoch: number): bigint {
    const lock = this.#stood.findLast((at) => at.who === who && at.from <= epoch)
    return lock ? power(lock.amount, lock.end, epoch) : 0n
  }

  pastTotal(epoch: number): bigint {
    return sum(VOTERS, (who) => this.pastVotes(who, epoch))
  }

  vote(who: number, ballot: Ballot, id: number, bps: bigint): void {
    const { amount = 0n, end = 0 } = this.locks.get(who) ?? {}
    this.bps.set(`${ballot} ${who} ${id}`, bps)
    this.#votes.push({ ballot, who, id, from: this.epoch + 1, amount: (amount / 10_000n) * bps, end })
  }

  /** Basis points that the account may still give a target. */
  room(who: number, ballot: Ballot, id: number): bigint {
    const others = ballot === 0 ? NODES : PODS
    return others.reduce(
      (left, other) => (other === id ? left : left - (this.bps.get(`${ballot} ${who} ${other}`) ?? 0n)),
      10_000n,
    )
  }

  work(work: Work): void {
    this.ledger.settle(this.epoch, work)
  }

  home(node: number, router: RouterNumber | 0): void {
    this.#homes.push({ node, from: this.epoch + 1, router })
  }

  tip(node: number, bps: bigint): void {
    this.#tips.push({ node, from: this.epoch + 1, bps })
  }

  setRules(rules: EmissionParams): void {
    this.#rules.push({ from: this.epoch + 1, rules })
  }

  setSplit(split: Split): void {
    this.ledger.setSplit(this.epoch + 1, split)
  }

  weight(ballot: Ballot, id: number, epoch: number): bigint {
    return sum(VOTERS, (who) => this.#votesIn(ballot, who, id, epoch))
  }

  /** The epoch is over: its nodes are recorded, one of them was probed, and what its pods' voters have is closed. */
  over(probed: number, probes: bigint): void {
    const epoch = this.epoch
    this.epoch += 1
    const { betaBps, quota } = this.#rulesIn(epoch)
    const total = sum(NODES, (node) => this.weight(0, node, epoch))
    const boost = (node: number, lastUnits: bigint) => ({
      betaBps,
      lastUnits,
      weight: this.weight(0, node, epoch),
      total,
    })
    const fees = NODES.map((node) => {
      const home = this.#homes.findLast((at) => at.node === node && at.from <= epoch)?.router ?? 1
      const units = this.ledger.units(epoch, (work) => work.node === node && work.router === home)
      return { node, units, points: points(units, boost(node, this.#feeUnits.get(epoch - 1) ?? 0n)) }
    })
    const counted = least(probes, quotaOf(this.stakes.counted(probed, epoch), quota))
    const basePoints =
      counted === 0n ? 0n : points(counted, boost(probed, this.#baseUnits.get(epoch - 1) ?? 0n))
    this.#feeUnits.set(
      epoch,
      sum(fees, ({ units }) => units),
    )
    this.#baseUnits.set(epoch, counted)
    this.#recorded = { probed, fees, basePoints }
    for (const router of ROUTERS) {
      for (const pod of PODS) {
        const units = this.ledger.units(epoch, (work) => work.pod === pod && work.router === router)
        const revenue = (units * this.ledger.splitIn(epoch).voters) / 10_000n
        if (!this.#reward(1, router, pod, epoch, revenue)) this.burner.receive(revenue)
      }
    }
  }

  /** The epoch before this one becomes final. */
  finish(): Issued {
    const epoch = this.epoch - 1
    if (!this.#recorded) throw new Error(`${epoch} is not recorded`)
    const { probed, fees, basePoints } = this.#recorded
    const { capBps, baseBps, lambdaBps, etaBps, quota } = this.#rulesIn(epoch)
    const { burnt, amount: lot } = this.burner.lotOf(epoch)
    const feePoints = sum(fees, (fee) => fee.points)
    const [cap, whole] = [perEpoch(capBps), perEpoch(baseBps)]
    const staked = sum(NODES, (node) => this.stakes.atStart(node, epoch))
    const base = baseOf(whole, basePoints, quotaOf(staked, quota), etaBps)
    const own = this.ledger.protocolBpsIn(epoch)
    const matched = burntFor(burnt, lot, this.#feeUnits.get(epoch) ?? 0n, own)
    const dynamic = feePoints === 0n ? 0n : dynamicOf(cap - whole, lambdaBps, matched)
    this.issued += base + dynamic
    for (const { node, points: mine } of fees) {
      const amount =
        (node === probed ? partOf(base, basePoints, basePoints || 1n) : 0n) + partOf(dynamic, mine, feePoints)
      this.#earn(node, epoch, amount)
    }
    return { base, dynamic, burnt }
  }

  /** What the account is due of a target, by one rounding; noted as paid. */
  claim(who: number, ballot: Ballot, router: RouterNumber | 0, id: number): bigint {
    const key = `${ballot} ${router} ${who} ${id}`
    const from = this.#claimed.get(key) ?? 0
    const parts = sum(this.#rewards, (reward) => {
      if (reward.ballot !== ballot || reward.router !== router || reward.id !== id) return 0n
      if (reward.epoch <= from) return 0n
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

  #rulesIn(epoch: number): EmissionParams {
    return this.#rules.findLast(({ from }) => from <= epoch)?.rules ?? RULES
  }

  #earn(node: number, epoch: number, amount: bigint): void {
    const bps = this.#tips.findLast((tip) => tip.node === node && tip.from <= epoch)?.bps ?? 0n
    const tip = tipOf(amount, bps, this.weight(0, node, epoch))
    this.owed.set(node, (this.owed.get(node) ?? 0n) + amount - tip)
    this.#reward(0, 0, node, epoch, tip)
  }

  /** @returns whether its voters have it: too little weight has nothing. */
  #reward(ballot: Ballot, router: RouterNumber | 0, id: number, epoch: number, amount: bigint): boolean {
    const weight = this.weight(ballot, id, epoch)
    if (weight < LEAST_WEIGHT) return false
    if (amount !== 0n) this.#rewards.push({ ballot, router, id, epoch, amount, weight })
    return true
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
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
function sum<T>(list: readonly T[], amount: (item: T) => bigint): bigint {
  return list.reduce((total, item) => total + amount(item), 0n)
}
