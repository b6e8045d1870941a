import { expect } from 'chai'
import fc from 'fast-check'
import {
  baseOf,
  fallingPrice,
  HEU_SUPPLY,
  issue,
  lotCost,
  medianPrice,
  perEpoch,
  points,
  rewardShare,
  rewardSums,
} from '../../../sdk/protocol/emission.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_125)
const held = (property: fc.IRawProperty<unknown>) => fc.assert(property, { seed: SEED, numRuns: 2_000 })
const ONE = 1n << 64n
const heu = (amount: bigint) => amount * 10n ** 18n
const SHIPPED = {
  capBps: 500n,
  baseBps: 125n,
  lambdaBps: 3_000n,
  betaBps: 25_000n,
  etaBps: 5_000n,
  quota: 1n,
}

describe(`the formulas of the emission (seed ${SEED})`, () => {
  it('give a 52nd of five and of one and a quarter percent of the supply, rounded down', () => {
    expect(perEpoch(500n)).to.equal(heu(50_000_000n) / 52n)
    expect(perEpoch(125n)).to.equal(heu(12_500_000n) / 52n)
  })

  it('issue in a year the lesser of the cap and base plus lambda times what burnt', () => {
    for (const percent of [0n, 1n, 5n, 20n]) {
      const burnt = (HEU_SUPPLY * percent) / 100n
      const week = issue(SHIPPED, {
        basePoints: ONE * 1_000n,
        feePoints: ONE,
        stake: heu(1_000n),
        burnt: burnt / 52n,
        reserve: HEU_SUPPLY,
      })
      const asked = heu(12_500_000n) + (burnt * 3n) / 10n
      const year = asked < heu(50_000_000n) ? asked : heu(50_000_000n)

      expect(Number(year - 52n * (week.base + week.dynamic))).to.be.within(0, 52 * 4)
    }
  })

  it('keep every boost between 1 and beta, and without votes at 1', () => {
    const amount = fc.bigInt(1n, 10n ** 15n)
    held(
      fc.property(amount, amount, amount, amount, (units, lastUnits, weight, others) => {
        const own = points(units, { betaBps: 25_000n, lastUnits, weight, total: weight + others })
        return own >= units * ONE && own * 2n <= units * ONE * 5n
      }),
    )
    expect(points(7n, { betaBps: 25_000n, lastUnits: 9n, weight: 0n, total: 5n })).to.equal(7n * ONE)
  })

  it('issue all of the base from eta of the quota on, and below it in proportion', () => {
    expect(baseOf(1_000n, 50n * ONE, 100n, 5_000n)).to.equal(1_000n)
    expect(baseOf(1_000n, 10n * ONE, 100n, 5_000n)).to.equal(200n)
    expect(baseOf(1_000n, 0n, 100n, 5_000n)).to.equal(0n)
  })

  it('share a reward by weight, never more than the exact part and less than a unit below it', () => {
    const amount = fc.bigInt(10n ** 18n, 10n ** 27n)
    held(
      fc.property(
        amount,
        amount,
        fc.integer({ min: 1, max: 104 }),
        fc.bigInt(1n, 10n ** 24n),
        (own, others, left, reward) => {
          const epoch = 2_979
          const weight = own * BigInt(left) + others
          const { a, b } = rewardSums(reward, epoch, weight)
          const paid = rewardShare(own, epoch + left, a, b) >> 128n
          const exact = reward * own * BigInt(left)
          return paid * weight <= exact && (paid + 2n) * weight > exact
        },
      ),
    )
  })

  it('halve the price each halving, fall evenly within, and never reach zero', () => {
    expect([0n, 50n, 100n, 150n, 300n].map((at) => fallingPrice(800n, at, 100n))).to.deep.equal([
      800n,
      600n,
      400n,
      300n,
      100n,
    ])
    expect(fallingPrice(1n, 10_000n, 100n)).to.equal(1n)
  })

  it('take the lower middle one of the last eight prices, and round what a lot costs up', () => {
    expect(medianPrice([])).to.equal(0n)
    expect(medianPrice([9n, 1n, 5n, 7n])).to.equal(5n)
    expect(medianPrice([100n, 100n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n])).to.equal(4n)
    expect(lotCost(1n, 1n)).to.equal(1n)
    expect(lotCost(2_000_000n, 50n)).to.equal(100n)
  })
})
