import type { Draw } from '../../bench/economy/draw.ts'
import { LEAST_LOT, ROUTERS, type RouterNumber } from './ledger.ts'
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
  over: 7,
  claim: 8,
  claimNode: 9,
  weight: 10,
  leave: 11,
  idle: 12,
  refused: 13,
  home: 14,
  prove: 15,
  accuse: 16,
  execute: 17,
  lapse: 18,
  cancel: 19,
  withdraw: 20,
  rules: 21,
  split: 22,
  gather: 23,
  gift: 24,
  collect: 25,
  buy: 26,
  buyCarried: 27,
  final: 28,
  past: 29,
}
export type Kind = keyof typeof KIND

/** What the contracts must refuse. */
const DOOR = { vote: 1, shorten: 2, unbond: 3, leave: 4, rules: 5, split: 6 }

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
    for (let left = 6 + draw.below(16); left > 0; left -= 1) life.anything()
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
    const standing = model.bps.get(`${ballot} ${who} ${id}`) ?? 0n
    // Now and then the same again, with the same lock or a grown one.
    const bps = draw.below(4) === 0 ? standing : BigInt(draw.below(Number(model.room(who, ballot, id)) + 1))
    if (bps === 0n && standing === 0n) return
    model.vote(who, ballot, id, bps)
    tell('vote', who, ballot, id, bps)
  }

  const { stakes, burner, ledger } = model
  const standing = (node: number) => [stakes.active(node), stakes.unbonding(node)] as const

  const stake = () => {
    const [node, amount] = [of(NODES), BigInt(1 + draw.below(1_000_000)) * 10n ** BigInt(10 + draw.below(7))]
    stakes.stake(node, model.epoch, amount)
    tell('stake', node, amount)
  }
  const unbond = () => {
    const node = of(NODES)
    const amount = (stakes.active(node) * BigInt(1 + draw.below(1_000))) / 1_000n
    if (amount === 0n) return
    stakes.unbond(node, model.epoch, amount)
    tell('unbond', node, amount)
  }
  const cancel = () => {
    const node = of(NODES)
    if (stakes.unbonding(node) === 0n) return
    stakes.cancel(node, model.epoch)
    tell('cancel', node, ...standing(node))
  }
  const withdraw = () => {
    const node = of(NODES)
    tell('withdraw', node, stakes.withdraw(node, model.epoch), ...standing(node))
  }

  /** Two receipts for one request: no two proofs are of the same. */
  const prove = () => {
    const node = of(NODES)
    const slashed = stakes.slash(node, model.epoch, stakes.total(node))
    tell('prove', node, acts.length, slashed, ...standing(node))
  }
  const accuse = () => {
    const node = of(NODES)
    const amount = (stakes.faultCap(node) * BigInt(1 + draw.below(1_000))) / 1_000n
    if (amount === 0n) return
    tell('accuse', node, amount, stakes.accuse(node, model.epoch, amount))
  }
  /** An undisputed case can be executed in the epoch after its own, and lapses then. */
  function endCases(): void {
    for (const [index, one] of stakes.cases.entries()) {
      if (!one.open || one.epoch >= model.epoch) continue
      if (one.epoch < model.epoch - 1) {
        one.open = draw.below(2) !== 0
        if (!one.open) tell('lapse', index + 1)
      } else if (draw.below(3) !== 0) {
        const slashed = stakes.slash(one.node, model.epoch, one.amount)
        if (slashed !== 0n) one.open = false
        tell('execute', index + 1, one.node, slashed, ...standing(one.node))
      }
    }
  }

  const work = () => {
    const [node, pod, gross] = [of(NODES), of(PODS), BigInt(20 + draw.below(1_000_000_000))]
    const [router, bare] = [of(ROUTERS), draw.below(4) === 0]
    model.work({ router, node, pod, gross, bare })
    tell('work', router, node, pod, gross, bare ? 1 : 0)
  }
  const home = () => {
    const [node, router] = [of(NODES), draw.below(3) as RouterNumber | 0]
    model.home(node, router)
    tell('home', node, router)
  }

  /** Anything that the hard bounds allow. */
  const rules = () => {
    const capBps = BigInt(draw.below(501))
    const baseBps = BigInt(draw.below(Number(capBps) + 1))
    const betaBps = BigInt(10_000 + draw.below(15_001))
    const lambdaBps = BigInt(draw.below(Number(75_000_000n / betaBps) + 1))
    const etaBps = BigInt(2_500 + draw.below(7_501))
    const quota = BigInt(1 + draw.below(draw.below(4) === 0 ? 1_000_000_000 : 10))
    model.setRules({ capBps, baseBps, lambdaBps, betaBps, etaBps, quota })
    tell('rules', capBps, baseBps, lambdaBps, betaBps, etaBps, quota)
  }
  const split = () => {
    // What is no payee's is two to twenty hundredths; of the rest a node has what three others leave it.
    const shares = 8_000 + draw.below(1_801)
    const other = () => BigInt(Math.min(draw.below((shares - 5_000) / 2), 1_000))
    const [pod, frontend, voters] = [other(), other(), other()]
    const bps = { node: BigInt(shares) - pod - frontend - voters, pod, frontend, voters }
    model.setSplit(bps)
    tell('split', bps.node, pod, frontend, voters)
  }

  /** @param passed  Seconds of the epoch: acts of life come when four days are gone. */
  const gather = (router: RouterNumber, passed = 4 * DAY) => {
    const amount = burner.gather(router, model.epoch, BigInt(passed))
    tell('gather', router, passed, amount, burner.carried)
  }
  const collect = () => {
    const router = of(ROUTERS)
    const amount = ledger.collect(router)
    burner.receive(amount)
    if (amount !== 0n) tell('collect', router, amount)
  }
  const gift = () => {
    const amount = BigInt(1 + draw.below(50_000_000))
    burner.receive(amount)
    tell('gift', amount)
  }
  const tip = (node: number) => {
    const bps = BigInt(draw.below(5_001))
    model.tip(node, bps)
    tell('tip', node, bps)
  }
  /** @param router  Whose revenue it is; tips are nobody's. */
  const claim = (who: number, ballot: Ballot, router: RouterNumber, id: number) =>
    tell('claim', who, ballot, router, id, model.claim(who, ballot, ballot === 0 ? 0 : router, id))
  const claimNode = (node: number) => tell('claimNode', node, model.claimNode(node))
  const weight = () => {
    const ballot = anyBallot()
    const [id, epoch] = [of(targetsOf(ballot)), FIRST + draw.below(model.epoch + 2 - FIRST)]
    tell('weight', ballot, id, epoch, model.weight(ballot, id, epoch))
  }
  /** What a Governor asks, of any second of an epoch that is over. */
  const past = () => {
    const who = of(VOTERS)
    if (model.epoch === FIRST) return
    const epoch = FIRST + draw.below(model.epoch - FIRST)
    const second = epoch * 7 * DAY + draw.below(7 * DAY)
    tell('past', who, second, model.pastVotes(who, epoch), model.pastTotal(epoch))
  }

  /** Parameters under which washing pays, by one basis point; or a cap beyond the promise. */
  function refuseRules(): void {
    const betaBps = 10_000 + draw.below(15_001)
    const lambdaBps = Math.floor(75_000_000 / betaBps) + 1
    if (draw.below(2) === 0) tell('refused', DOOR.rules, 500, lambdaBps, betaBps, 0)
    else tell('refused', DOOR.rules, 501, 1_000, betaBps, 0)
  }

  /** What every contract must refuse, and nothing is changed. */
  function refused(): void {
    const [who, ballot, node] = [of(VOTERS), anyBallot(), of(NODES)]
    const id = of(targetsOf(ballot))
    const lock = model.locks.get(who)
    const doors = [
      () => isAlive(who) && tell('refused', DOOR.vote, who, ballot, id, model.room(who, ballot, id) + 1n),
      () => isAlive(who) && lock && tell('refused', DOOR.shorten, who, lock.end - 1, 0, 0),
      () => tell('refused', DOOR.unbond, node, stakes.active(node) + 1n, 0, 0),
      () => lock && lock.end > model.epoch && tell('refused', DOOR.leave, who, 0, 0, 0),
      refuseRules,
      () => tell('refused', DOOR.split, 4_999, 2_000, 1_000, 1_000),
    ]
    of(doors)()
  }

  /** The epoch ends: recorded, one node probed, fees gathered in time or not, sold or not, final. */
  function turn(): void {
    const [probed, probes] = [of(NODES), BigInt(draw.below(3) && draw.below(2_000_000))]
    model.over(probed, probes)
    tell('over', probed, probes)
    const events: { passed: number; act: (passed: number) => void }[] = []
    for (const router of ROUTERS) {
      // Mostly within the day that there is for it, now and then while the sale runs, now and then not at all.
      const when = draw.below(8)
      const passed = when < 5 ? draw.below(DAY) : DAY + draw.below(3 * DAY)
      if (when < 7) events.push({ passed, act: (at) => gather(router, at) })
    }
    if (draw.below(4) !== 0) events.push({ passed: DAY + draw.below(3 * DAY), act: buy })
    if (draw.below(2) !== 0) events.push({ passed: DAY + draw.below(3 * DAY), act: buyCarried })
    for (const { passed, act } of events.sort((a, b) => a.passed - b.passed)) act(passed)
    const { base, dynamic, burnt } = model.finish()
    burner.settle(model.epoch, BigInt(4 * DAY))
    tell('final', base, dynamic, burnt, model.issued, burner.carried, burner.median)
    endCases()
  }

  function buy(passed: number): void {
    if (burner.lotOf(model.epoch - 1).amount < LEAST_LOT) return
    tell('buy', passed, burner.buy(model.epoch, BigInt(passed)))
  }
  function buyCarried(passed: number): void {
    const { burnt, amount } = burner.buyCarried(model.epoch, BigInt(passed))
    tell('buyCarried', passed, burnt, amount)
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
      for (const id of NODES) claim(who, 0, 1, id)
      for (const id of PODS) for (const router of ROUTERS) claim(who, 1, router, id)
    }
  }

  const choices = [
    () => lock(of(VOTERS)),
    () => vote(of(VOTERS), anyBallot()),
    () => vote(of(VOTERS), anyBallot()),
    stake,
    stake,
    unbond,
    cancel,
    withdraw,
    prove,
    accuse,
    rules,
    split,
    () => gather(of(ROUTERS)),
    collect,
    gift,
    work,
    work,
    work,
    work,
    () => tip(of(NODES)),
    home,
    () => {
      const ballot = anyBallot()
      claim(of(VOTERS), ballot, of(ROUTERS), of(targetsOf(ballot)))
    },
    () => claimNode(of(NODES)),
    weight,
    past,
    refused,
  ]
  return { acts, lock, vote, tip, turn, idle, settle, anything: () => of(choices)() }
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
