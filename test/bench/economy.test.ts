import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { EPOCHS, profitOf, SHIPPED, SHIPPED_PARAMS, type Strategy } from '../../bench/economy/attack.ts'
import { barChart, lineChart, powerChart } from '../../bench/economy/chart.ts'
import { createDraw } from '../../bench/economy/draw.ts'
import { experiment } from '../../bench/economy/economy.ts'
import { gasChart, gasText } from '../../bench/economy/gas.ts'
import { giniOf } from '../../bench/economy/gini.ts'
import { search, VARIANTS } from '../../bench/economy/search.ts'
import { washingLoses } from '../../sdk/protocol/emission.ts'

const SEED = 20261125

describe('the economy laboratory', function () {
  this.timeout(600_000)

  /** A whale of demand, a coalition that owns everything, votes enough, and a little washing in one epoch. */
  const tight: Strategy = {
    honest: Array(EPOCHS).fill(10n ** 15n),
    bare: 0n,
    pointless: 0n,
    genuine: 0n,
    wash: [0n, 0n, 10n ** 11n, 0n, 0n, 0n],
    carried: Array(EPOCHS).fill(0n),
    room: 10n ** 18n,
    base: 0n,
    votes: 5_000n,
    skill: 0n,
    node: true,
    pod: true,
    frontend: 2,
    podVotes: 10_000n,
    recovers: 2_500n,
    bid: 10_000n,
  }
  const rate = (strategy: Strategy, rules = SHIPPED) =>
    Number(profitOf(strategy, rules)) / Number(strategy.wash.reduce((sum, amount) => sum + amount, 0n))
  /** What the proof in docs/protocol.md says of washing next to nothing: fee x (lambda x beta - (1 - recovered)). */
  const predicted = (lambda: number, beta: number, recovered: number) =>
    0.05 * (lambda * beta - (1 - recovered))

  it('gives for the smallest wash what the proof says, whatever the parameters', () => {
    const under = (lambdaBps: bigint, betaBps: bigint) => ({
      ...SHIPPED,
      params: { ...SHIPPED_PARAMS, lambdaBps, betaBps },
    })

    expect(rate(tight)).to.be.closeTo(predicted(0.3, 2.5, 0.25), 1e-5)
    expect(rate({ ...tight, recovers: 0n })).to.be.closeTo(predicted(0.3, 2.5, 0), 1e-5)
    expect(rate(tight, under(4_100n, 25_000n))).to.be.closeTo(predicted(0.41, 2.5, 0.25), 1e-5)
    expect(rate(tight, under(3_000n, 30_000n))).to.be.closeTo(predicted(0.3, 3, 0.25), 1e-5)
  })

  it('lets a coalition lose every share of a role that is not its own', () => {
    for (const [change, lost] of [
      [{ node: false }, 0.7],
      [{ frontend: 1 as const }, 0.1],
      [{ podVotes: 0n }, 0.05],
    ] as const) {
      expect(rate(tight) - rate({ ...tight, ...change })).to.be.closeTo(lost, 1e-5)
    }
  })

  it('shows that overpaying the burn lot costs more than the emission that it adds', () => {
    const idle = { ...tight, wash: [0n, 0n, 1n, 0n, 0n, 0n] }

    expect(profitOf({ ...idle, bid: 20_000n }, SHIPPED) < 0n).to.equal(true)
  })

  it(`finds what washing a hundredth of every epoch's volume loses, the least that the proof leaves (seed ${SEED})`, () => {
    const even: Strategy = {
      ...tight,
      honest: Array(EPOCHS).fill(10n ** 12n),
      wash: Array(EPOCHS).fill(10n ** 12n / 99n + 1n),
      votes: 10_000n,
      room: 10n ** 13n,
    }
    // A hundredth of the volume burns fee and half again of it without points: 100 of 101.5 parts are matched.
    const least = 0.05 * (0.75 - (0.75 * 100) / 101.5)

    const found = search(SHIPPED, createDraw(SEED), { points: 20_000, climbs: 40, steps: 400 })

    expect(-rate(even)).to.be.closeTo(least, 1e-7)
    expect(-found.rate / 1e6).to.be.within(least - 1e-9, least * 1.05)
  })

  it(`finds no profit under the shipped rules and one under each of the six mistakes (seed ${SEED})`, () => {
    const { found, right } = experiment(SEED, true, () => {})

    expect(found.shipped?.rate).to.be.lessThan(0)
    for (const [name, { rate: best }] of Object.entries(found)) {
      if (name !== 'shipped') expect(best, name).to.be.greaterThan(0)
    }
    expect(right).to.equal(true)
    expect(washingLoses(SHIPPED_PARAMS)).to.equal(true)
    expect(washingLoses({ lambdaBps: 4_100n, betaBps: 25_000n })).to.equal(false)
    expect(washingLoses({ lambdaBps: 3_000n, betaBps: 30_000n })).to.equal(false)
  })

  it('searches the same for the same seed, and differently for another', () => {
    const effort = { points: 500, climbs: 2, steps: 20 }
    const { rules } = VARIANTS.shipped as (typeof VARIANTS)[string]
    const run = (seed: number) => search(rules, createDraw(seed), effort)

    expect(run(1)).to.deep.equal(run(1))
    expect(run(1).strategy).to.not.deep.equal(run(2).strategy)
  })

  it('never issues more than the reserve loses, nor beyond the caps, in years of shocks', () => {
    const { decade } = experiment(SEED, true, () => {})
    const cap = 50_000_000 / 52

    expect(decade.issued + decade.reserve).to.be.closeTo(500_000_000, 1)
    expect(decade.issued + decade.reservoir).to.be.closeTo(cap * decade.size.weeks, 1)
    for (const week of decade.weeks) expect(week.base + week.dynamic).to.be.at.most(cap + 1e-3)
    expect(decade.coalition.profit).to.be.lessThan(0)
    // A tenth of the nodes answered: eta lets them share a fifth of the base, none more than five times its part.
    expect(decade.proberFailed.issuedOfBase).to.be.within(0.05, 0.5)
    const heu = decade.income.reduce((sum, income) => sum + income.heu, 0)
    expect(heu).to.be.within(decade.issued * 0.98, decade.issued)
  })

  it('measures inequality as Gini did', () => {
    expect(giniOf([1, 1, 1, 1])).to.equal(0)
    expect(giniOf([0, 0, 0, 1])).to.equal(0.75)
    expect(giniOf([1, 3])).to.equal(0.25)
    expect(giniOf([0, 0])).to.equal(0)
  })

  it('draws the same picture from the same numbers', () => {
    const lines = [{ name: 'a', colour: '#000', values: [0, 5, 10] }]

    expect(lineChart('t', 'u', lines)).to.equal(lineChart('t', 'u', lines))
    expect(lineChart('t', 'u', lines)).to.include('points="70.0,266.0 407.0,155.0 744.0,44.0"')
    expect(barChart('t', 'u', [{ label: 'x', value: -1, colour: '#000', shown: '-1' }])).to.include(
      'width="120.0"',
    )
  })

  it('draws by powers what is flat as flat and what is linear as a diagonal', () => {
    const chart = powerChart('t', 'u', [
      {
        name: 'flat',
        colour: '#000',
        points: [
          [1, 10],
          [10, 10],
        ],
      },
      {
        name: 'linear',
        colour: '#000',
        points: [
          [1, 10],
          [10, 100],
        ],
      },
    ])

    expect(chart).to.include('points="70.0,266.0 744.0,266.0"')
    expect(chart).to.include('points="70.0,266.0 744.0,44.0"')
    for (const step of ['10', '20', '50', '100']) expect(chart).to.include(`font-size="12">${step}</text>`)
    expect(chart).to.not.include('>5</text>')
    expect(chart).to.not.include('>200</text>')
  })

  it('shows the gas that the tests of the contracts left: chart and text are those of today', () => {
    const docs = join(import.meta.dirname, '..', '..', 'docs')

    expect(readFileSync(join(docs, 'economy', 'gas.svg'), 'utf8')).to.equal(gasChart())
    expect(readFileSync(join(docs, 'economy.md'), 'utf8')).to.include(gasText())
  })
})
