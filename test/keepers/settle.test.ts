import { expect } from 'chai'
import fc from 'fast-check'
import { type SettleLimits, settleSchema } from '../../keepers/router/config.ts'
import type { BatchRow, UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { buildBatch, howManyFit } from '../../keepers/settle/batch.ts'
import { coverageOf } from '../../keepers/settle/coverage.ts'
import { createCredited } from '../../keepers/settle/credited.ts'
import { decide, type Seen } from '../../keepers/settle/decide.ts'
import { type DueFacts, dueOf } from '../../keepers/settle/due.ts'
import { type GatherDeps, gather } from '../../keepers/settle/gather.ts'
import { differencesIn } from '../../keepers/settle/reconcile.ts'
import { createTally, NOTHING, type Waiting, type WaitingPayee } from '../../keepers/settle/waiting.ts'
import { replacementFees } from '../../sdk/chain/key-sender.ts'
import { unpackBatch } from '../../sdk/protocol/batch.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { leafRow, MOST_LEAVES, MOST_PARTS, PART_LEAVES, partBytes } from '../../sdk/protocol/data.ts'
import { leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'
import { seeded } from '../sdk/seed.ts'
import { address, batch, hash, tx, unposted, voucher } from './samples.ts'

const ROUTER = address(88)
const PREVIOUS = { seq: 4n, hash: hash(44) }

const HOUR = 3_600_000
const NOW = 1_000 * HOUR
const limits = settleSchema.parse({ maxLeaves: 100, finalityBlocks: 3 })
const GWEI = 10n ** 9n
const standing = { synced: true, allowed: true }

/** What waits: gross per payee, and for how long. */
function waiting(ageMs: number, payees: Record<string, bigint>, leaves = 1): Waiting {
  const entries = Object.entries(payees).map(([key, gross]) => {
    const [role = '', id] = key.split(' ')
    return [key, { role: role as 'node', id: Number(id), gross, oldestAt: NOW - ageMs }] as const
  })
  const gross = entries.reduce((sum, [key, payee]) => sum + (key.startsWith('pod') ? payee.gross : 0n), 0n)
  return { leaves, gross, oldestAt: NOW - ageMs, payers: 1, payees: new Map(entries) }
}

const due = (facts: Partial<DueFacts>) =>
  dueOf({
    nowMs: NOW,
    limits,
    waiting: NOTHING,
    gasPrice: 0n,
    expiry: undefined,
    covers: new Map(),
    nodeBps: 7_000n,
    ...facts,
  })

describe('when to post', () => {
  it('nothing waits: nothing is posted, whatever else is true', () => {
    expect(due({ expiry: NOW / 1000 })).to.equal(undefined)
  })

  it('what is worth ten times its gas goes out within the hour, what is not waits', () => {
    // One payer line and three payee lines, at 10 gwei and 2,000 USD: 10 times the gas of 80,000 + 12,000 + 3 * 6,000 and 16 a byte.
    const gas = 80_000n + 12_000n + 3n * 6_000n + 16n * (112n + 115n + 3n * 10n)
    const price = {
      gasPrice: 10n * GWEI,
      limits: { ...limits, gasTokenPrice: 2_000_000_000n, largePayee: 10n ** 12n },
    }
    const least = (gas * 10n * GWEI * 2_000_000_000n * 10n) / 10n ** 18n
    const one = (gross: bigint, ageMs: number) =>
      due({ ...price, waiting: waiting(ageMs, { 'node 1': gross, 'pod 1': gross, 'frontend 1': gross }) })

    expect(one(least, HOUR)).to.equal('worth')
    expect(one(least, HOUR - 1)).to.equal(undefined)
    expect(one(least - 10n, HOUR)).to.equal(undefined)
    expect(one(least - 10n, 22 * HOUR)).to.equal('daily')
  })

  it('a payee with a dollar waits less than four hours, whatever the gas', () => {
    const dear = { gasPrice: 10n ** 12n, limits: { ...limits, gasTokenPrice: 10n ** 10n } }
    const payee = (gross: bigint, ageMs: number) =>
      due({ ...dear, waiting: waiting(ageMs, { 'frontend 9': gross }) })

    expect(payee(1_000_000n, 3.5 * HOUR)).to.equal('large')
    expect(payee(1_000_000n, 3.5 * HOUR - 1)).to.equal(undefined)
    expect(payee(999_999n, 21.9 * HOUR)).to.equal(undefined)
  })

  it('dust of thousands of frontends waits for the day and costs one batch, not one an hour', () => {
    const frontends = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, id) => [`frontend ${id + 1}`, 100n]),
    )
    const dust = (ageMs: number) =>
      due({
        gasPrice: GWEI / 10n,
        limits: { ...limits, gasTokenPrice: 2_000_000_000n },
        waiting: waiting(ageMs, { ...frontends, 'node 1': 500_000n, 'pod 1': 500_000n }, 5_000),
      })

    const hours = Array.from({ length: 24 }, (_, hour) => dust(hour * HOUR))

    expect(hours.findIndex((why) => why !== undefined)).to.equal(22)
    expect(hours[22]).to.equal('daily')
  })

  it('a voucher that expires within twelve hours forces its receipts out', () => {
    const until = (ms: number) => due({ waiting: waiting(0, {}), expiry: (NOW + ms) / 1000 })

    expect(until(12 * HOUR)).to.equal('voucher')
    expect(until(12 * HOUR + 1_000)).to.equal(undefined)
  })

  it('a node is posted before its cover is full, or it would stop serving', () => {
    const cover = new Map([[7, 1_000_000n]])
    const node = (gross: bigint) => due({ waiting: waiting(0, { 'node 7': gross }), covers: cover })
    // Half of a dollar, at a share of 70 %.
    const least = (1_000_000n * 10_000n) / 2n / 7_000n + 1n

    expect(node(least)).to.equal('cover')
    expect(node(least - 2n)).to.equal(undefined)
    const dear = { gasPrice: GWEI, limits: { ...limits, gasTokenPrice: 10n ** 10n } }
    expect(
      due({ ...dear, waiting: waiting(0, { 'node 7': least }), covers: cover }),
      'not at a loss',
    ).to.equal(undefined)
  })

  it('as many as a batch takes go at once', () => {
    expect(due({ waiting: waiting(0, {}, 100) })).to.equal('full')
    expect(due({ waiting: waiting(0, {}, 99) })).to.equal(undefined)
  })
})

describe('what waits', () => {
  it('is counted per payee, leaf by leaf, and less once a batch took some', () => {
    const tally = createTally(0)
    const leaves = [1, 2, 3].map((number) => unposted(number, { price: 10n }, { frontend: number }))
    tally.add(leaves.slice(0, 2))
    tally.add(leaves)

    expect(tally.now()).to.deep.include({ leaves: 3, gross: 30n, oldestAt: 30_001, payers: 1 })
    expect(tally.now().payees.get('node 5')?.gross).to.equal(30n)
    dropAll(tally.drop(2))
    expect(tally.now()).to.deep.include({ leaves: 1, gross: 10n, oldestAt: 30_003 })
    expect([...tally.now().payees.keys()]).to.have.members(['node 5', 'pod 1', 'frontend 3'])
  })

  it('is at every moment what counting the leaves that are left would say', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          payer: small,
          node: small,
          pod: small,
          frontend: small,
          price: fc.bigInt(1n, 2n ** 47n),
        }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(steps, (all) => {
        const tally = createTally(0)
        let left: UnpostedLeaf[] = []
        let next = 1
        for (const step of all) {
          if (typeof step === 'number') {
            const dropped = Math.round(step * left.length)
            dropAll(tally.drop(left[dropped - 1]?.leaf ?? 0))
            left = left.slice(dropped)
          } else {
            const { price, payer, ...payees } = step
            const one = unposted(next, { price }, { ...payees, payer: address(payer) })
            tally.add([one])
            left.push(one)
            next += 1
          }
          expect(tally.now()).to.deep.equal(counted(left))
        }
      }),
      seeded({ numRuns: 200 }),
    )
  })

  it('of more leaves than it has room for at first is counted as well, and dropped in one go', () => {
    const tally = createTally(0)
    const leaves = Array.from({ length: 12_000 }, (_, index) => unposted(index + 1))

    tally.add(leaves)
    expect(tally.now()).to.deep.equal(counted(leaves))
    dropAll(tally.drop(11_999))
    expect(tally.now()).to.deep.equal(counted(leaves.slice(-1)))
    dropAll(tally.drop(12_000))
    expect(tally.now()).to.deep.equal({ ...NOTHING, payees: new Map() })
  })

  const small = fc.integer({ min: 1, max: 3 })
  const dropAll = (dropping: Generator<void, void>) => [...dropping]

  function counted(leaves: readonly UnpostedLeaf[]): Waiting {
    const payees = new Map<string, WaitingPayee>()
    for (const { body, price, at } of leaves) {
      for (const role of ['node', 'pod', 'frontend'] as const) {
        const known = payees.get(`${role} ${body[role]}`) ?? { role, id: body[role], gross: 0n, oldestAt: at }
        payees.set(`${role} ${body[role]}`, { ...known, gross: known.gross + price })
      }
    }
    return {
      leaves: leaves.length,
      gross: leaves.reduce((sum, { price }) => sum + price, 0n),
      oldestAt: leaves[0]?.at ?? 0,
      payers: new Set(leaves.map(({ body }) => body.payer)).size,
      payees,
    }
  }
})

describe('who pays for a batch', () => {
  const accounts = new Map([
    [address(1), { deposited: 1_000n, spent: 0n }],
    [address(2), { deposited: 150n, spent: 0n }],
  ])
  const at = 1_000_000
  const of = (payer: number, number: number, kept = voucher(1_000n)) =>
    unposted(number, { price: 100n, voucher: kept }, { payer: address(payer) })

  it('its payers, as far as voucher, expiry and deposit go; the float pays whole lines', () => {
    const leaves = [of(1, 1), of(2, 2), of(2, 3), of(1, 4)]

    expect(coverageOf(leaves, accounts, 500n, at)).to.deep.equal({
      count: 4,
      uncovered: [{ payer: address(2), reason: 'over_deposit', charge: 200n }],
      floatUsed: 200n,
      missing: 0n,
    })
    expect(coverageOf([of(1, 1, voucher(99n))], accounts, 500n, at).uncovered[0]?.reason).to.equal(
      'over_ceiling',
    )
    expect(coverageOf([of(1, 1, voucher(100n, at - 1))], accounts, 500n, at).uncovered[0]?.reason).to.equal(
      'expired',
    )
    expect(coverageOf([of(1, 1, voucher(100n, at))], accounts, 500n, at).uncovered).to.deep.equal([])
    expect(coverageOf([of(3, 1)], accounts, 500n, at).floatUsed).to.equal(100n)
  })

  it('a float that cannot pay a line holds back that line and what follows, not what stands before it', () => {
    const leaves = [of(1, 1), of(2, 2), of(2, 3), of(1, 4)]

    expect(coverageOf(leaves, accounts, 199n, at)).to.deep.include({ count: 2, floatUsed: 0n, missing: 1n })
  })

  it('a payer whose newer voucher covers its whole line is covered again', () => {
    const leaves = [of(1, 1, voucher(99n)), of(1, 2, voucher(200n))]

    expect(coverageOf(leaves, accounts, 500n, at)).to.deep.equal({
      count: 2,
      uncovered: [],
      floatUsed: 0n,
      missing: 0n,
    })
    const { payers } = unpackBatch(buildBatch(ROUTER, leaves, PREVIOUS).packed)
    expect(payers.map(({ ceiling, charge }) => [ceiling, charge])).to.deep.equal([[200n, 200n]])
  })
})

describe('a batch under way', () => {
  const row: BatchRow = { ...batch(5n, 1, 2), state: 'signed', tx: tx(9), signedAt: 0 }
  const outcome = { block: 7n, succeeded: true, gasUsed: 1n, floatUsed: 0n, skipped: [] }
  const state = { seq: 4n, batchHash: hash(44), float: 0n, allowed: true }
  const underWay = { batch: row, mined: undefined, settlement: undefined, state, nonce: 9 }
  const nothing = { waiting: NOTHING, gasPrice: 0n, expiry: undefined, covers: new Map(), nodeBps: 7_000n }
  const seen = (changes: Partial<Seen> = {}): Seen => ({
    nowMs: NOW,
    limits,
    standing,
    underWay: undefined,
    unfinal: undefined,
    due: nothing,
    sent: undefined,
    ...changes,
  })
  const sentAgo = (firstMs: number, lastMs = firstMs) => ({
    sent: { hash: row.tx.hash, firstMs: NOW - firstMs, lastMs: NOW - lastMs },
  })
  const next = (changes: object, others: Partial<Seen> = {}) =>
    decide(seen({ underWay: { ...underWay, ...changes }, ...others }))

  it('is confirmed by whichever of its transactions is in a block', () => {
    expect(next({ mined: { hash: hash(77), outcome } })).to.deep.include({ do: 'confirm', txHash: hash(77) })
  })

  it('is sent again, the very bytes, after a start and after a silence', () => {
    expect(next({})).to.deep.equal({ do: 'send', batch: row })
    expect(next({}, sentAgo(4_999))).to.equal(undefined)
    expect(next({}, sentAgo(5_000))).to.deep.equal({ do: 'send', batch: row })
  })

  it('is replaced for more once it has been stuck for a minute, and not before it was sent by this process', () => {
    expect(next({}, sentAgo(59_999, 5_000))).to.deep.include({ do: 'send' })
    expect(next({}, sentAgo(60_000, 5_000))).to.deep.equal({ do: 'replace', batch: row })
    expect(next({}, { sent: { hash: hash(1), firstMs: 0, lastMs: 0 } })).to.deep.include({ do: 'send' })
  })

  it('is signed anew when another transaction took its nonce, or when it failed in its block', () => {
    const failed = { hash: row.tx.hash, outcome: { ...outcome, succeeded: false } }

    expect(next({ nonce: 10 }, sentAgo(0))).to.deep.equal({ do: 'resign', batch: row })
    expect(next({ mined: failed })).to.deep.equal({ do: 'resign', batch: row })
  })

  it('is confirmed by the transaction that really settled it', () => {
    const moved = { seq: 5n, batchHash: row.hash, float: 0n, allowed: true }

    expect(next({ state: moved, nonce: 10 })).to.equal(undefined)
    expect(next({ state: moved, settlement: { hash: hash(3), outcome } })).to.deep.include({
      txHash: hash(3),
    })
  })

  it('another batch of the same number on chain is an alarm, not a confirmation', () => {
    expect(() => next({ state: { seq: 5n, batchHash: hash(666), float: 0n, allowed: true } }))
      .to.throw()
      .with.property('code', 'ledger.differs')
  })

  it('holds back everything after it, and waits itself for those before it that were undone', () => {
    const much = { due: { ...nothing, waiting: waiting(30 * HOUR, {}) } }

    expect(next({}, { ...sentAgo(1_000), ...much })).to.equal(undefined)
    expect(next({ state: { ...state, seq: 3n } })).to.deep.equal({ do: 'undo', seq: 3n })
  })

  it('nothing is done on the word of a node that is not synced, and nothing new while the bond stops the router', () => {
    const much = { due: { ...nothing, waiting: waiting(30 * HOUR, {}) } }

    expect(next({}, { standing: { ...standing, synced: false } })).to.equal(undefined)
    expect(decide(seen({ ...much, standing: { ...standing, allowed: false } }))).to.equal(undefined)
    expect(decide(seen(much))).to.deep.equal({ do: 'post', why: 'daily' })
  })

  describe('that is settled', () => {
    const settled: BatchRow = { ...row, state: 'settled', block: 7n }
    const unfinal = {
      batch: settled,
      lastSeq: 5n,
      state: { ...state, seq: 5n },
      root: row.root,
      outcome,
      head: 9n,
    }
    const seenOnChain = (changes: object) => decide(seen({ unfinal: { ...unfinal, ...changes } }))

    it('is final once enough blocks stand on it', () => {
      expect(seenOnChain({})).to.equal(undefined)
      expect(seenOnChain({ head: 10n })).to.deep.equal({ do: 'finalize', batch: settled })
    })

    it('goes out again if the chain no longer has it, and counts afresh if it is in another block', () => {
      expect(seenOnChain({ state: { ...state, seq: 4n }, head: 100n })).to.deep.equal({ do: 'undo', seq: 4n })
      expect(seenOnChain({ lastSeq: 6n, head: 100n })).to.deep.equal({ do: 'undo', seq: 5n })
      expect(seenOnChain({ outcome: { ...outcome, block: 8n }, head: 100n })).to.deep.include({
        do: 'confirm',
      })
    })

    it('another root under its number is an alarm', () => {
      expect(() => seenOnChain({ root: hash(1) }))
        .to.throw()
        .with.property('code', 'ledger.differs')
    })

    it('holds nothing back', () => {
      const much = { due: { ...nothing, waiting: waiting(30 * HOUR, {}) } }

      expect(decide(seen({ unfinal, ...much }))).to.deep.equal({ do: 'post', why: 'daily' })
    })
  })
})

describe('the fee of a replacement', () => {
  const stuck = { maxFeePerGas: 1_000n, maxPriorityFeePerGas: 9n }
  const cheap = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }

  it('is an eighth more, rounded up, or what the market asks', () => {
    expect(replacementFees(stuck, cheap, 10_000n)).to.deep.equal({
      maxFeePerGas: 1_125n,
      maxPriorityFeePerGas: 11n,
    })
    expect(
      replacementFees(stuck, { maxFeePerGas: 5_000n, maxPriorityFeePerGas: 50n }, 10_000n),
    ).to.deep.equal({
      maxFeePerGas: 5_000n,
      maxPriorityFeePerGas: 50n,
    })
  })

  it('is capped; where the cap is below what nodes accept there is none', () => {
    expect(replacementFees(stuck, { maxFeePerGas: 5_000n, maxPriorityFeePerGas: 50n }, 1_125n)).to.deep.equal(
      {
        maxFeePerGas: 1_125n,
        maxPriorityFeePerGas: 50n,
      },
    )
    expect(replacementFees(stuck, cheap, 1_124n)).to.equal(undefined)
  })

  it('is at least 12.5 % above both of the stuck ones, whatever they are', () => {
    const fee = fc.bigInt({ min: 0n, max: 2n ** 60n })

    fc.assert(
      fc.property(fee, fee, fee, fee, (a, b, c, d) => {
        const [tip, max] = a < b ? [a, b] : [b, a]
        const [marketTip, marketMax] = c < d ? [c, d] : [d, c]
        const market = { maxFeePerGas: marketMax, maxPriorityFeePerGas: marketTip }
        const fees = replacementFees({ maxFeePerGas: max, maxPriorityFeePerGas: tip }, market, 2n ** 70n)
        if (!fees) throw new Error('the cap is far away')

        expect(fees.maxFeePerGas * 8n >= max * 9n && fees.maxFeePerGas > max).to.equal(true)
        expect(fees.maxPriorityFeePerGas * 8n >= tip * 9n && fees.maxPriorityFeePerGas > tip).to.equal(true)
        expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas).to.equal(true)
      }),
      seeded({ numRuns: 500 }),
    )
  })
})

describe('journal and chain side by side', () => {
  const payer = (charged: bigint, spent: bigint) => ({ payer: address(1), charged, spent })
  const payee = (gross: bigint, onChain: bigint) => ({ payee: 'node 1', gross, onChain })

  it('agree when every payee is credited exactly and the float paid what payers did not', () => {
    expect(differencesIn([payer(10n, 10n)], [payee(10n, 10n)], 0n)).to.deep.equal([])
    expect(differencesIn([payer(10n, 7n)], [payee(10n, 10n)], 3n)).to.deep.equal([])
    expect(differencesIn([payer(10n, 7n)], [], undefined)).to.deep.equal([])
  })

  it('differ when somebody was debited more, credited otherwise, or the float paid something else', () => {
    const whats = (...sides: Parameters<typeof differencesIn>) =>
      differencesIn(...sides).map(({ what }) => what)

    expect(whats([payer(10n, 11n)], [], undefined)).to.deep.equal([`payer ${address(1)}`])
    expect(whats([], [payee(10n, 9n)], 0n)).to.deep.equal(['node 1'])
    expect(whats([], [payee(10n, 11n)], 0n)).to.deep.equal(['node 1'])
    expect(whats([payer(10n, 7n)], [], 2n)).to.deep.equal(['float used'])
  })
})

describe('payees that were credited in this epoch', () => {
  const WEEK = 7 * 24 * HOUR
  const start = 1_000 * WEEK
  const of = (number: number) => buildBatch(ROUTER, [unposted(number)], PREVIOUS).packed

  it('are known from the batch that credited them until two hours before the epoch ends', () => {
    const credited = createCredited()
    const has = (nowMs: number) =>
      ['node 5', 'pod 1', 'frontend 2'].map((one) => credited.has(one as 'node 5', nowMs))

    expect(has(start)).to.deep.equal([false, false, false])
    credited.add(of(1), start, start + 1)
    expect(has(start + 2)).to.deep.equal([true, true, true])
    expect(credited.has('node 6', start + 2)).to.equal(false)
    expect(has(start + WEEK - 2 * HOUR - 1)).to.deep.equal([true, true, true])
    expect(has(start + WEEK - 2 * HOUR)).to.deep.equal([false, false, false])
    expect(has(start + WEEK)).to.deep.equal([false, false, false])
  })

  it('are not known of a batch that may have landed in the epoch before, nor once the chain undid something', () => {
    const credited = createCredited()

    credited.add(of(1), start - 1, start + 1)
    expect(credited.has('node 5', start + 2)).to.equal(false)
    credited.add(of(1), start, start + 1)
    expect(credited.has('node 5', start + 2)).to.equal(true)
    credited.forget()
    expect(credited.has('node 5', start + 2)).to.equal(false)
  })
})

describe('the contents of a batch', () => {
  it('are a million leaves at most, cut into no more parts than readers take', () => {
    const issues = (settle: object) => settleSchema.safeParse(settle).error?.issues.map(({ path }) => path[0])

    expect(settleSchema.parse({})).to.include({ maxLeaves: MOST_LEAVES, partLeaves: PART_LEAVES })
    expect(issues({ maxLeaves: MOST_LEAVES + 1 })).to.deep.equal(['maxLeaves'])
    expect(issues({ partLeaves: PART_LEAVES + 1 })).to.deep.equal(['partLeaves'])
    expect(issues({ maxLeaves: 10 * MOST_PARTS, partLeaves: 10 })).to.equal(undefined)
    expect(issues({ maxLeaves: 10 * MOST_PARTS + 1, partLeaves: 10 })).to.deep.equal(['partLeaves'])
  })

  it('are one line per payer and payee, and balance to the unit', () => {
    const leaves = [
      unposted(1, { price: 30n }, { payer: address(1), node: 7, pod: 1, frontend: 2 }),
      unposted(2, { price: 5n }, { payer: address(2), node: 3, pod: 1, frontend: 0 }),
      unposted(3, { price: 11n }, { payer: address(1), node: 3, pod: 2, frontend: 2 }),
    ]

    const built = buildBatch(ROUTER, leaves, PREVIOUS)
    const packed = unpackBatch(built.packed)

    expect(built).to.deep.include({ seq: 5n, firstLeaf: 1, lastLeaf: 3, gross: 46n })
    expect(packed).to.deep.include({ seq: 5n, prev: PREVIOUS.hash, root: built.root })
    expect(packed.payers.map((line) => line.charge)).to.deep.equal([41n, 5n])
    expect(packed.nodes).to.deep.equal([
      { id: 3, amount: 16n },
      { id: 7, amount: 30n },
    ])
    expect(packed.pods).to.deep.equal([
      { id: 1, amount: 35n },
      { id: 2, amount: 11n },
    ])
    expect(packed.frontends).to.deep.equal([
      { id: 0, amount: 5n },
      { id: 2, amount: 41n },
    ])
  })

  it('carry the best voucher of each payer', () => {
    const best = voucher(777n)

    const { payers } = unpackBatch(buildBatch(ROUTER, [unposted(1, { voucher: best })], PREVIOUS).packed)

    expect(payers[0]).to.deep.equal({ ...best, charge: 100n })
  })

  it('stand behind the data hash as leaves in the order of the struct, and under the root', () => {
    const leaves = [1, 2, 3].map((number) => unposted(number))
    const bodies = leaves.map((one) => one.body)

    const built = buildBatch(ROUTER, leaves, PREVIOUS, 2)
    const index = JSON.parse(new TextDecoder().decode(built.index))
    const rows = bodies.map(leafRow)
    const parts = [rows.slice(0, 2), rows.slice(2)].map((part, number) =>
      partBytes({ router: ROUTER, seq: 5n }, number, part),
    )

    expect(toHex(keccak(built.index))).to.equal(unpackBatch(built.packed).dataHash)
    expect(index).to.deep.include({ version: 2, router: ROUTER, seq: '5', leaves: 3, partLeaves: 2 })
    expect(index.parts).to.deep.equal(parts.map((part) => toHex(keccak(part))))
    expect(JSON.parse(rows[1] ?? '')).to.deep.equal([
      address(1),
      '200',
      '2',
      hash(1002),
      hash(2002),
      5,
      '200',
      1,
      '200',
      2,
      '200',
    ])
    expect(built.root).to.equal(merkleTree(bodies.map((body) => leafHash(body))).root)
    expect(built.crown.length, 'of three leaves: the root alone').to.equal(32)
  })

  it('fit the widths of a line, the bytes and the gas of a transaction, and are split where they do not', () => {
    const much = 2n ** 47n
    const dear = [1, 2, 3].map((number) => unposted(number, { price: much }))
    const many = [1, 2, 3, 4].map((number) => unposted(number, {}, { payer: address(number) }))

    const room = { maxLeaves: 1_000, maxBytes: 1_000_000, maxGas: 1_000_000_000 }
    const nobody = () => false
    const twoPayers = 112 + 2 * 115 + 3 * 10
    const theirGas = 80_000 + 2 * 12_000 + 3 * 29_000
    expect(howManyFit(dear, room, nobody)).to.equal(1)
    expect(howManyFit(many, { ...room, maxBytes: twoPayers }, nobody)).to.equal(2)
    expect(howManyFit(many, { ...room, maxGas: theirGas }, nobody)).to.equal(2)
    expect(howManyFit(many, { ...room, maxGas: theirGas - 1 }, nobody)).to.equal(1)
    expect(howManyFit(many, { ...room, maxLeaves: 3 }, nobody)).to.equal(3)
    expect(howManyFit(many, room, nobody)).to.equal(4)
  })

  it('a payee whose line is not the first of the epoch takes a fifth of its gas', () => {
    const leaves = [1, 2].map((number) => unposted(number, {}, { node: number, pod: 7, frontend: 8 }))
    const room = { maxLeaves: 9, maxBytes: 1_000_000 }
    const maxGas = 80_000 + 12_000 + 3 * 29_000 + 6_000

    expect(howManyFit(leaves, { ...room, maxGas }, () => false)).to.equal(1)
    expect(howManyFit(leaves, { ...room, maxGas }, (payee) => payee === 'node 2')).to.equal(2)
    expect(howManyFit(leaves, { ...room, maxGas: maxGas - 1 }, (payee) => payee === 'node 2')).to.equal(1)
  })

  it('10,000 jobs of 200 payers and 570 payees are two batches where an epoch begins and one after it', () => {
    const defaults = settleSchema.parse({})
    const jobs = Array.from({ length: 10_000 }, (_, index) =>
      unposted(
        index + 1,
        {},
        {
          payer: address((index % 200) + 1),
          node: (index % 500) + 1,
          pod: (index % 50) + 1,
          frontend: (index % 20) + 1,
        },
      ),
    )
    const first = howManyFit(jobs, defaults, () => false)
    const credited = new Set(
      jobs
        .slice(0, first)
        .flatMap(({ body }) => [`node ${body.node}`, `pod ${body.pod}`, `frontend ${body.frontend}`]),
    )

    expect(first).to.be.below(10_000)
    expect(howManyFit(jobs.slice(first), defaults, (payee) => credited.has(payee))).to.equal(10_000 - first)
    expect(howManyFit(jobs, defaults, () => true)).to.equal(10_000)
  })

  it('balance and split for any receipts: every section sums to the gross, nothing is lost between batches', () => {
    const receipts = fc.array(
      fc.record({
        payer: fc.integer({ min: 1, max: 9 }),
        node: fc.integer({ min: 1, max: 9 }),
        pod: fc.integer({ min: 1, max: 5 }),
        frontend: fc.integer({ min: 0, max: 4 }),
        price: fc.bigInt({ min: 1n, max: 2n ** 48n - 1n }),
      }),
      { minLength: 1, maxLength: 40 },
    )

    fc.assert(
      fc.property(receipts, fc.integer({ min: 300, max: 2_000 }), (rows, maxBytes) => {
        let rest: UnpostedLeaf[] = rows.map(({ payer, price, ...body }, index) =>
          unposted(index + 1, { price }, { ...body, payer: address(payer) }),
        )
        let total = 0n
        let last = PREVIOUS
        while (rest.length > 0) {
          const room = { maxLeaves: 1_000, maxBytes, maxGas: 15_000_000 }
          const count = howManyFit(rest, room, () => false)
          const built = buildBatch(ROUTER, rest.slice(0, count), last)
          const packed = unpackBatch(built.packed)
          const sum = (lines: { amount: bigint }[]) => lines.reduce((all, line) => all + line.amount, 0n)

          expect(count).to.be.greaterThan(0)
          expect(built.packed.length).to.be.at.most(maxBytes)
          expect(packed.payers.reduce((all, line) => all + line.charge, 0n)).to.equal(built.gross)
          expect([sum(packed.nodes), sum(packed.pods), sum(packed.frontends)]).to.deep.equal(
            Array(3).fill(built.gross),
          )
          total += built.gross
          last = { seq: built.seq, hash: built.hash }
          rest = rest.slice(count)
        }
        expect(total).to.equal(rows.reduce((all, row) => all + row.price, 0n))
      }),
      seeded({ numRuns: 200 }),
    )
  })
})

describe('the leaves of the next batch', () => {
  const LEAVES = 1_700
  /** The leaf from which on a payer has nothing. */
  const POOR = 1_234

  /** A journal and a chain where payer 1 can pay for everything and payer 2 for nothing, beside a float. */
  function world(float: bigint, changes: Partial<SettleLimits> = {}) {
    const leaves = Array.from({ length: LEAVES }, (_, index) =>
      unposted(index + 1, {}, { payer: address(index + 1 < POOR ? 1 : 2) }),
    )
    const seen = { turns: 0, accounts: [] as string[], told: [] as string[] }
    const deps: GatherDeps = {
      chain: {
        router: ROUTER,
        routerState: async () => ({ seq: 4n, batchHash: PREVIOUS.hash, float, allowed: true }),
        sync: async () => ({ syncing: false, head: 1n, headAt: 1 }),
        async balance(payer) {
          seen.accounts.push(payer)
          return { deposited: payer === address(1) ? 10n ** 9n : 0n, spent: 0n, thawing: 0n }
        },
      },
      ledger: {
        lastBatch: async () => ({ ...row, ...PREVIOUS, lastLeaf: 0 }),
        leavesAfter: async (leaf, limit) => leaves.slice(leaf, leaf + limit),
      },
      clock: { nowMs: () => NOW },
      log: { info() {}, warn() {}, error: ({ event }) => void seen.told.push(event) },
      metrics: { alarm() {} },
      limits: settleSchema.parse({ partLeaves: 300, maxLeaves: 100_000, ...changes }),
    }
    return { leaves, seen, deps }
  }
  const row: BatchRow = { ...batch(4n, 1, 1), state: 'settled', tx: tx(9), signedAt: 0 }
  const everyone = { has: () => true }

  it('are those that fit and are paid for, however many pieces they are read in', async () => {
    const rich = world(10n ** 9n)
    const some = world(500n)
    const none = world(0n)
    const short = world(0n, { maxLeaves: 777 })

    const built = await Promise.all([rich, some, none, short].map(({ deps }) => gather(deps, everyone)))

    const counts = [LEAVES, POOR + 4, POOR - 1, 777]
    expect(built).to.deep.equal(
      counts.map((count) => buildBatch(ROUTER, rich.leaves.slice(0, count), PREVIOUS, 300)),
    )
    expect(rich.seen.accounts, 'each account is read once').to.deep.equal([address(1), address(2)])
    expect([rich, some, none, short].map(({ seen }) => seen.told)).to.deep.equal([
      ['line.uncovered'],
      ['line.uncovered', 'float.exhausted'],
      ['float.exhausted'],
      [],
    ])
  })

  it('are read and hashed in turns: whoever waits has one at least every five hundred leaves', async () => {
    const { deps, seen } = world(10n ** 9n)
    let gathering = true
    const count = () => {
      seen.turns += 1
      if (gathering) setImmediate(count)
    }
    setImmediate(count)

    await gather(deps, everyone)
    gathering = false

    // Of reading, a turn per piece; of the tree, one per part and one per 1,024 nodes.
    expect(seen.turns).to.be.at.least(Math.floor(LEAVES / 500) + Math.ceil(LEAVES / 300) + 1)
  })
})
