import type { Draw } from '../../bench/economy/draw.ts'
import { type Ballot, EconomyModel, MOST_EPOCHS, NODES, PODS, VOTERS } from './model.ts'

/** Drawn histories of an economy, as words that test/solidity/EconomyTwin.t.sol lives: each act, and what must come of it. */

/** The epoch in which the fixture of the contracts stands. */
const FIRST = 2_979
const DAY = 86_400

const KIND = {
  lock: 1,
  vote: 2,
  stake: 3,
  unbond: 4,
  work: 5,
  tip: 6,
  turn: 7,
  claim: 8,
  claimNode: 9,
  weight: 10,
  leave: 11,
  idle: 12,
  refused: 13,
  home: 14,
}
export type Kind = keyof typeof KIND

/** What the contracts must refuse. */
const DOOR = { vote: 1, shorten: 2, unbond: 3, leave: 4 }

export interface Told {
  kind: Kind
  values: bigint[]
}

export interface History {
  acts: Told[]
  words: bigint[]
}

/** @param epochs  That are worked in; idle ones come on top. */
export function drawHistory(draw: Draw, epochs: number): History {
  const life = createLife(draw)
  for (const who of VOTERS) {
    life.lock(who)
    for (const ballot of [0, 1] as const) life.vote(who, ballot)
  }
  for (const node of NODES) life.tip(node)
  for (let turns = 0; turns < epochs; turns += 1) {
    for (let left = 4 + draw.below(12); left > 0; left -= 1) life.anything()
    life.turn()
    if (draw.below(4) === 0) life.idle()
  }
  life.settle()
  return { acts: life.acts, words: wordsOf(life.acts) }
}

export const wordsOf = (acts: readonly Told[]): bigint[] => [
  BigInt(FIRST),
  ...acts.flatMap(({ kind, values }) => [BigInt(KIND[kind]), ...values]),
]

/** One model and the acts on it. */
function createLife(draw: Draw) {
  const model = new EconomyModel(FIRST)
  const acts: Told[] = []
  const tell = (kind: Kind, ...values: (number | bigint)[]) =>
    void acts.push({ kind, values: values.map(BigInt) })
  const of = <T>(list: readonly T[]): T => list[draw.below(list.length)] as T
  const targetsOf = (ballot: Ballot): readonly number[] => (ballot === 0 ? NODES : PODS)
  const anyBallot = () => draw.below(2) as Ballot

  function lock(who: number): void {
    const old = model.locks.get(who)
    if (old && old.end <= model.epoch) {
      model.locks.delete(who)
      tell('leave', who)
    }
    const least = Math.max(model.locks.get(who)?.end ?? 0, model.epoch + 1)
    const most = model.epoch + (draw.below(2) === 0 ? 6 : MOST_EPOCHS)
    const end = least >= most ? least : least + draw.below(most - least + 1)
    // Mostly hundreds of HEU, now and then next to nothing.
    const size = draw.below(5) === 0 ? draw.below(15) : 14 + draw.below(4)
    const amount = BigInt(1 + draw.below(1_000_000)) * 10n ** BigInt(size)
    model.lock(who, amount, end)
    tell('lock', who, amount, end)
  }

  /** Whether the account's lock can be voted with. */
  const isAlive = (who: number): boolean => (model.locks.get(who)?.end ?? 0) > model.epoch + 1

  function vote(who: number, ballot: Ballot): void {
    const id = of(targetsOf(ballot))
    if (!isAlive(who)) return
    const bps = BigInt(draw.below(Number(model.room(who, ballot, id)) + 1))
    if (bps === 0n && !model.bps.get(`${ballot} ${who} ${id}`)) return
    model.vote(who, ballot, id, bps)
    tell('vote', who, ballot, id, bps)
  }

  const stake = () => {
    const [node, amount] = [of(NODES), BigInt(1 + draw.below(1_000_000)) * 10n ** BigInt(10 + draw.below(7))]
    model.stake(node, amount)
    tell('stake', node, amount)
  }
  const unbond = () => {
    const node = of(NODES)
    const amount = (model.active(node) * BigInt(1 + draw.below(1_000))) / 1_000n
    if (amount === 0n) return
    model.stake(node, -amount)
    tell('unbond', node, amount)
  }
  const work = () => {
    const [node, pod, gross] = [of(NODES), of(PODS), BigInt(20 + draw.below(1_000_000_000))]
    const bare = draw.below(4) === 0
    model.work(node, pod, gross, bare)
    tell('work', node, pod, gross, bare ? 1 : 0)
  }
  const home = () => {
    const [node, on] = [of(NODES), draw.below(3) !== 0]
    model.home(node, on)
    tell('home', node, on ? 1 : 0)
  }
  const tip = (node: number) => {
    const bps = BigInt(draw.below(5_001))
    model.tip(node, bps)
    tell('tip', node, bps)
  }
  const claim = (who: number, ballot: Ballot, id: number) =>
    tell('claim', who, ballot, id, model.claim(who, ballot, id))
  const claimNode = (node: number) => tell('claimNode', node, model.claimNode(node))
  const weight = () => {
    const ballot = anyBallot()
    const [id, epoch] = [of(targetsOf(ballot)), FIRST + draw.below(model.epoch + 2 - FIRST)]
    tell('weight', ballot, id, epoch, model.weight(ballot, id, epoch))
  }

  /** What every contract must refuse, and nothing is changed. */
  function refused(): void {
    const [who, ballot, node] = [of(VOTERS), anyBallot(), of(NODES)]
    const id = of(targetsOf(ballot))
    const lock = model.locks.get(who)
    const doors = [
      () => isAlive(who) && tell('refused', DOOR.vote, who, ballot, id, model.room(who, ballot, id) + 1n),
      () => isAlive(who) && lock && tell('refused', DOOR.shorten, who, lock.end - 1, 0, 0),
      () => tell('refused', DOOR.unbond, node, model.active(node) + 1n, 0, 0),
      () => lock && lock.end > model.epoch && tell('refused', DOOR.leave, who, 0, 0, 0),
    ]
    of(doors)()
  }

  /** The epoch ends: recorded, one node probed, the lot sold or not, final. */
  function turn(): void {
    const [probed, probes] = [of(NODES), BigInt(draw.below(3) && draw.below(2_000_000))]
    const sold = BigInt(draw.below(4) && DAY + draw.below(3 * DAY))
    model.epoch += 1
    const { base, dynamic, burnt } = model.finish(probed, probes, sold)
    tell('turn', probed, probes, burnt === 0n ? 0n : sold, base, dynamic, burnt, model.issued)
  }

  /** Nobody does anything for weeks but make the epochs final. Mostly a few; now and then longer than any lock. */
  function idle(): void {
    const weeks = draw.below(6) === 0 ? 60 + draw.below(60) : 1 + draw.below(6)
    model.epoch += weeks
    tell('idle', weeks)
  }

  function settle(): void {
    for (const node of NODES) claimNode(node)
    for (const who of VOTERS) {
      for (const id of NODES) claim(who, 0, id)
      for (const id of PODS) claim(who, 1, id)
    }
  }

  const choices = [
    () => lock(of(VOTERS)),
    () => vote(of(VOTERS), anyBallot()),
    () => vote(of(VOTERS), anyBallot()),
    stake,
    unbond,
    work,
    work,
    work,
    () => tip(of(NODES)),
    home,
    () => {
      const ballot = anyBallot()
      claim(of(VOTERS), ballot, of(targetsOf(ballot)))
    },
    () => claimNode(of(NODES)),
    weight,
    refused,
  ]
  return { acts, lock, vote, tip, turn, idle, settle, anything: () => of(choices)() }
}

/** Of what was compared, how much was not zero: a comparison of nothing with nothing proves little. */
export function tallyOf(
  histories: readonly History[],
): Record<string, { compared: number; nonZero: number }> {
  const tally: Record<string, { compared: number; nonZero: number }> = {}
  const count = (name: string, value: bigint | undefined) => {
    const seen = tally[name] ?? { compared: 0, nonZero: 0 }
    tally[name] = seen
    seen.compared += 1
    if (value !== undefined && value !== 0n) seen.nonZero += 1
  }
  for (const { kind, values } of histories.flatMap(({ acts }) => acts)) {
    if (kind === 'claim') count(values[1] === 0n ? 'claims of tips' : 'claims of revenue', values.at(-1))
    if (kind === 'claimNode') count('claims of nodes', values.at(-1))
    if (kind === 'weight') count('weights', values.at(-1))
    if (kind === 'refused') count('refusals', 1n)
    if (kind === 'idle') count('idle times', 1n)
    if (kind !== 'turn') continue
    count('bases', values[3])
    count('dynamics', values[4])
    count('burns', values[5])
  }
  return tally
}

/** A wei more than the first act of this kind with something at `value` expects there. */
export function spoilt({ acts }: History, kind: Kind, value: number): bigint[] {
  const at = acts.findIndex((act) => act.kind === kind && (act.values.at(value) ?? 0n) > 0n)
  return wordsOf(
    acts.map((act, index) =>
      index === at ? { ...act, values: act.values.with(value, (act.values.at(value) ?? 0n) + 1n) } : act,
    ),
  )
}
