import { expect } from 'chai'
import fc from 'fast-check'
import type { BatchRow, UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { batchData, buildBatch, howManyFit } from '../../keepers/settle/batch.ts'
import { decide, type Seen } from '../../keepers/settle/settle.ts'
import { unpackBatch } from '../../sdk/protocol/batch.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'
import { seeded } from '../sdk/seed.ts'
import { address, batch, hash, tx, unposted, voucher } from './samples.ts'

const ROUTER = address(88)
const PREVIOUS = { seq: 4n, hash: hash(44) }
const limits = { maxAgeMs: 1_000, maxLeaves: 3 }

const seen = (changes: Partial<Seen> = {}): Seen => ({
  nowMs: 100_000,
  limits,
  underWay: undefined,
  waiting: 0,
  oldestAt: 0,
  sentMs: 0,
  ...changes,
})

describe('when to post', () => {
  it('waits until the oldest receipt is old enough', () => {
    expect(decide(seen({ waiting: 1, oldestAt: 99_001 }))).to.equal(undefined)
    expect(decide(seen({ waiting: 1, oldestAt: 99_000 }))).to.deep.equal({ do: 'post' })
    expect(decide(seen())).to.equal(undefined)
  })

  it('or until there are as many as a batch takes', () => {
    expect(decide(seen({ waiting: 2, oldestAt: 100_000 }))).to.equal(undefined)
    expect(decide(seen({ waiting: 3, oldestAt: 100_000 }))).to.deep.equal({ do: 'post' })
  })
})

describe('a batch under way', () => {
  const row: BatchRow = { ...batch(5n, 1, 2), state: 'signed', tx: tx(9), signedAt: 0 }
  const outcome = { block: 7n, succeeded: true, gasUsed: 1n, floatUsed: 0n, skipped: [] }
  const state = { seq: 4n, batchHash: hash(44), float: 0n, allowed: true }
  const underWay = { batch: row, outcome: undefined, settlement: undefined, state, nonce: 9 }
  const next = (changes: object, others: Partial<Seen> = {}) =>
    decide(seen({ underWay: { ...underWay, ...changes }, ...others }))

  it('is confirmed once its transaction is in a block', () => {
    expect(next({ outcome })).to.deep.include({ do: 'confirm', txHash: row.tx.hash })
  })

  it('is sent again, the very bytes, after a start and after a silence', () => {
    expect(next({})).to.deep.equal({ do: 'send', batch: row })
    expect(next({}, { sentMs: 99_000 })).to.equal(undefined)
    expect(next({}, { sentMs: 95_000 })).to.deep.equal({ do: 'send', batch: row })
  })

  it('is signed anew when another transaction took its nonce, or when it failed in its block', () => {
    expect(next({ nonce: 10 }, { sentMs: 100_000 })).to.deep.equal({ do: 'resign', batch: row })
    expect(next({ outcome: { ...outcome, succeeded: false } })).to.deep.equal({ do: 'resign', batch: row })
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

  it('holds back everything after it', () => {
    expect(next({}, { sentMs: 100_000, waiting: 3 })).to.equal(undefined)
  })
})

describe('the contents of a batch', () => {
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

    const built = buildBatch(ROUTER, leaves, PREVIOUS)
    const data = JSON.parse(new TextDecoder().decode(built.data))

    expect(toHex(keccak(built.data))).to.equal(unpackBatch(built.packed).dataHash)
    expect(data).to.deep.include({ version: 1, router: ROUTER, seq: '5' })
    expect(data.leaves[1]).to.deep.equal([
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
    expect(batchData(ROUTER, 5n, bodies)).to.deep.equal(built.data)
  })

  it('fit the widths of a line, the bytes of a transaction, and are split where they do not', () => {
    const much = 2n ** 47n
    const dear = [1, 2, 3].map((number) => unposted(number, { price: much }))
    const many = [1, 2, 3, 4].map((number) => unposted(number, {}, { payer: address(number) }))

    expect(howManyFit(dear, 1_000_000)).to.equal(1)
    expect(howManyFit(many, 112 + 2 * 115 + 3 * 10)).to.equal(2)
    expect(howManyFit(many, 1_000_000)).to.equal(4)
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
          const count = howManyFit(rest, maxBytes)
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
