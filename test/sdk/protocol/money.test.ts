import { expect } from 'chai'
import fc from 'fast-check'
import { parseManifest } from '../../../sdk/protocol/manifest.ts'
import { maxPriceOf, priceOf, unitLimitsOf } from '../../../sdk/protocol/price.ts'
import { type Split, type SplitBps, splitOf } from '../../../sdk/protocol/split.ts'
import { formatUsd, usd } from '../../../sdk/units.ts'
import { seeded } from '../seed.ts'
import { MANIFESTS } from '../stage.ts'

const chat = parseManifest(MANIFESTS.chat ?? new Uint8Array())
const image = parseManifest(MANIFESTS.image ?? new Uint8Array())
const units = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const pricing = fc.record({
  unit: fc.constant('token' as const),
  per: fc.integer({ min: 1, max: 1_000_000_000 }),
  input: fc.nat(),
  output: fc.nat(),
  minimum: fc.nat(),
})

describe('the price', () => {
  it('is the formula of the manifest, by hand', () => {
    const dear = { ...chat.pricing, input: 1_500_000, minimum: 0 }

    expect(priceOf(chat.pricing, 100n, 20n)).to.equal(180n)
    expect(priceOf(chat.pricing, 1n, 1n)).to.equal(10n)
    expect(priceOf(dear, 1n, 0n)).to.equal(2n)
    expect(priceOf(image.pricing, 0n, 8n)).to.equal(800n)
    expect(priceOf(image.pricing, 0n, 4n)).to.equal(500n)
  })

  it('is the least whole amount that pays for the work, and never below the minimum', () => {
    fc.assert(
      fc.property(pricing, units, units, (terms, unitsIn, unitsOut) => {
        const price = priceOf(terms, unitsIn, unitsOut)
        const work = unitsIn * BigInt(terms.input) + unitsOut * BigInt(terms.output)
        expect(price * BigInt(terms.per) >= work).to.equal(true)
        expect(price >= BigInt(terms.minimum)).to.equal(true)
        const less = price - 1n
        expect(less < BigInt(terms.minimum) || less * BigInt(terms.per) < work).to.equal(true)
      }),
      seeded({}),
    )
  })

  it('never falls when more units are used', () => {
    fc.assert(
      fc.property(pricing, units, units, units, (terms, unitsIn, unitsOut, more) => {
        expect(priceOf(terms, unitsIn + more, unitsOut) >= priceOf(terms, unitsIn, unitsOut)).to.equal(true)
        expect(priceOf(terms, unitsIn, unitsOut + more) >= priceOf(terms, unitsIn, unitsOut)).to.equal(true)
      }),
      seeded({}),
    )
  })

  it('of a call is at most the price of its limits, which no wish raises above the manifest', () => {
    expect(maxPriceOf(chat)).to.equal(512n + 4n * 256n)
    expect(maxPriceOf(chat, { unitsIn: 10n, unitsOut: 5n })).to.equal(30n)
    expect(maxPriceOf(chat, { unitsIn: 10_000n, unitsOut: 10_000n })).to.equal(512n + 4n * 256n)
  })

  it('is bounded from the input alone: its bytes, and what it asks for or the pod’s default', () => {
    expect(unitLimitsOf(chat, { max_tokens: 7 }, 50)).to.deep.equal({ unitsIn: 50n, unitsOut: 7n })
    expect(unitLimitsOf(chat, {}, 50)).to.deep.equal({ unitsIn: 50n, unitsOut: 96n })
    expect(unitLimitsOf(chat, { max_tokens: 9_999 }, 9_999)).to.deep.equal({ unitsIn: 512n, unitsOut: 256n })
    expect(unitLimitsOf(image, { steps: 3 }, 50)).to.deep.equal({ unitsIn: 0n, unitsOut: 3n })
    expect(unitLimitsOf(image, {}, 50)).to.deep.equal({ unitsIn: 0n, unitsOut: 8n })
    for (const nonsense of [null, 7, [], { max_tokens: -1 }, { max_tokens: 'many' }, { max_tokens: 1.5 }]) {
      const { unitsOut } = unitLimitsOf(chat, nonsense, 50)
      expect(unitsOut > 0n && unitsOut <= 256n, JSON.stringify(nonsense)).to.equal(true)
    }
  })
})

/** A call and what its payees had before it. */
const jobs = fc.array(
  fc.record({
    price: fc.oneof(fc.bigInt({ min: 1n, max: 40n }), fc.bigInt({ min: 1n, max: (1n << 48n) - 1n })),
    node: fc.nat({ max: 3 }),
    pod: fc.nat({ max: 2 }),
    frontend: fc.nat({ max: 2 }),
  }),
  { minLength: 1, maxLength: 40 },
)

/** Every split that the ledger's constructor takes: the protocol part is 2 % to 20 %. */
const splits = fc
  .record({ pod: fc.nat({ max: 1500 }), frontend: fc.nat({ max: 1500 }), voters: fc.nat({ max: 1000 }) })
  .chain(({ pod, frontend, voters }) =>
    fc
      .integer({
        min: Math.max(5_000, 8_000 - pod - frontend - voters),
        max: 9_800 - pod - frontend - voters,
      })
      .map((node): SplitBps => ({ node, pod, frontend, voters })),
  )

describe('the split', () => {
  it('of a price sums to it to the last unit, job after job, with every role or without', () => {
    fc.assert(
      fc.property(splits, jobs, fc.boolean(), (bps, calls, voters) => {
        const gross = new Map<string, bigint>()
        const add = (payee: string, price: bigint) => {
          const after = (gross.get(payee) ?? 0n) + price
          gross.set(payee, after)
          return after
        }
        const paid = new Map<string, bigint>()
        let protocol = 0n
        let total = 0n
        for (const { price, node, pod, frontend } of calls) {
          const after = {
            node: add(`node ${node}`, price),
            pod: add(`pod ${pod}`, price),
            frontend: add(`frontend ${frontend}`, price),
          }
          const split = splitOf(price, after, bps, { frontend: frontend !== 0, voters })
          expect(Object.values(split).reduce((sum, part) => sum + part, 0n)).to.equal(price)
          const { protocol: rest, ...shares } = split
          expect(Object.values(shares).every((part) => part >= 0n)).to.equal(true)
          expect(rest >= -3n).to.equal(true)
          for (const [payee, part] of [
            [`node ${node}`, split.node],
            [`pod ${pod}`, split.pod],
            [`frontend ${frontend}`, split.frontend],
            [`voters ${pod}`, split.voters],
          ] as const) {
            paid.set(payee, (paid.get(payee) ?? 0n) + part)
          }
          protocol += split.protocol
          total += price
        }
        // What a payee got in all is one floor of its total: dust never builds up per job.
        let credited = 0n
        for (const [payee, amount] of paid) {
          const [role = '', id = ''] = payee.split(' ')
          const absent = (role === 'frontend' && id === '0') || (role === 'voters' && !voters)
          const of = gross.get(role === 'voters' ? `pod ${id}` : payee) ?? 0n
          const share = absent ? 0n : (of * BigInt(bps[role as keyof SplitBps])) / 10_000n
          expect(amount).to.equal(share)
          credited += amount
        }
        expect(protocol).to.equal(total - credited)
        expect(protocol >= 0n).to.equal(true)
      }),
      seeded({}),
    )
  })

  it('of one unit may take back what floors had left to the protocol, never more than that', () => {
    const bps = { node: 7000, pod: 1000, frontend: 1000, voters: 500 }

    const split = splitOf(1n, { node: 2n, pod: 20n, frontend: 10n }, bps, { frontend: true, voters: true })

    expect(split).to.deep.equal({ node: 1n, pod: 1n, frontend: 1n, voters: 1n, protocol: -3n })
  })

  it('by hand: 70, 10, 10, 5 and 5 per cent of one dollar', () => {
    const bps = { node: 7000, pod: 1000, frontend: 1000, voters: 500 }
    const after = { node: usd('1'), pod: usd('1'), frontend: usd('1') }

    const all: Split = splitOf(usd('1'), after, bps, { frontend: true, voters: true })
    const alone: Split = splitOf(usd('1'), after, bps, { frontend: false, voters: false })

    expect(all).to.deep.equal({
      node: usd('0.7'),
      pod: usd('0.1'),
      frontend: usd('0.1'),
      voters: usd('0.05'),
      protocol: usd('0.05'),
    })
    expect(alone.protocol).to.equal(usd('0.2'))
  })
})

describe('dollars', () => {
  it('go to base units and back without loss', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 23n }), (amount) => {
        expect(usd(formatUsd(amount))).to.equal(amount)
      }),
      seeded({}),
    )
    expect(usd('0.25')).to.equal(250_000n)
    expect(usd('10')).to.equal(10_000_000n)
    expect(formatUsd(-1_500_000n)).to.equal('-1.500000')
  })

  for (const text of ['', '-1', '1.', '.5', '1.0000001', '1e6', ' 1', '1,5', '0x10', '１']) {
    it(`'${text}' is no amount`, () => {
      expect(() => usd(text))
        .to.throw()
        .with.property('code', 'amount.invalid')
    })
  }
})
