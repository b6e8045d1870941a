import { expect } from 'chai'
import type { Address } from 'viem'
import { type AuditedRole, KEEP_SECONDS } from '../../sdk/audit.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import {
  type AuditedBatch,
  audit,
  type Call,
  codes,
  FIRST,
  hash,
  honest,
  NOW,
  payer,
  publish,
  SECOND,
} from './audits.ts'

/** The same router with one leaf of its first batch changed and published anew, root and data hash included. */
function lying(change: (leaf: Leaf) => Leaf, index = 2): ReturnType<typeof audit> {
  const { batches, totals, leaves } = honest(FIRST, SECOND)
  const changed = (leaves[0] ?? []).map((leaf, place) => (place === index ? change(leaf) : leaf))
  return audit([publish(1n, changed, FIRST), ...batches.slice(1)], totals, NOW)
}

describe('an audit of a router', () => {
  it('finds nothing in what an honest router published', () => {
    const { batches, totals } = honest(FIRST, SECOND)

    expect(audit(batches, totals, NOW)).to.deep.equal({
      batches: 2,
      leaves: 5,
      gross: 34n,
      whole: true,
      notAudited: [],
      lies: [],
      overlaps: [],
    })
  })

  it('counts lines that the float paid, and single payments, where the chain does', () => {
    const { batches, totals } = honest(FIRST, SECOND)
    const skipped = { ...totals, spentOf: (who: Address) => totals.spentOf(who) - 4n, skippedOf: () => 4n }
    const grossOf = (role: AuditedRole, id: number) => totals.grossOf(role, id) + 6n
    const once = { ...totals, grossOf, paidOnceOf: () => 6n }

    expect(audit(batches, skipped, NOW).lies).to.deep.equal([])
    expect(audit(batches, once, NOW).lies).to.deep.equal([])
  })

  it('names a part that is withheld or is not what the chain was told, and counts its batch by the lines', () => {
    const { batches, totals } = honest(FIRST, SECOND)
    const [first, second] = batches as [AuditedBatch, AuditedBatch]

    for (const broken of ['data.hash_wrong', 'data.unreadable', 'data.missing'] as const) {
      const found = audit([{ ...first, broken }, second], totals, NOW)

      expect(found.lies).to.deep.equal([{ code: broken, seq: 1n, detail: 'part 1' }])
      expect(found).to.deep.include({ batches: 2, leaves: 2, gross: 34n, whole: false, notAudited: [] })
    }
  })

  it('names a root that is not of the leaves', () => {
    const { batches, totals } = honest(FIRST)
    const [batch] = batches as [AuditedBatch]

    expect(codes(audit([{ ...batch, root: hash(1) }], totals, NOW).lies)).to.deep.equal(['root.wrong'])
  })

  it('names one gross that is used for two calls, and where both stand', () => {
    const { lies, overlaps } = lying((leaf) => ({ ...leaf, nodeGross: leaf.nodeGross - 1n }))

    expect(codes(lies)).to.include('payee.overlap')
    expect(overlaps).to.deep.equal([
      { role: 'node', id: 1, a: { seq: 1n, index: 0 }, b: { seq: 1n, index: 2 } },
    ])
  })

  it('names a part of a gross that no call explains', () => {
    const { lies, overlaps } = lying((leaf) => ({ ...leaf, podGross: leaf.podGross + 1n }))

    expect(codes(lies)).to.include('payee.gap')
    expect(overlaps).to.deep.include({
      role: 'pod',
      id: 2,
      a: { seq: 1n, index: 2 },
      b: { seq: 2n, index: 1 },
    })
  })

  it('names a leaf that lists one node while the batch credits another', () => {
    const { lies } = lying((leaf) => ({ ...leaf, node: 3, nodeGross: 5n }))

    expect(codes(lies)).to.include('line.differs').and.to.include('payee.gap')
  })

  it('names a charge that no leaf explains, a call that is left out, and one that is out of order', () => {
    expect(codes(lying((leaf) => ({ ...leaf, charged: leaf.charged + 1n })).lies)).to.include('gross.differs')
    expect(codes(lying((leaf) => ({ ...leaf, count: leaf.count + 1n })).lies)).to.include('count.wrong')
    expect(codes(lying((leaf) => ({ ...leaf, charged: 1n })).lies)).to.include('charge.falls')
  })

  it('names totals of the chain that the calls do not come to', () => {
    const { batches, totals } = honest(FIRST, SECOND)
    const gross = audit(batches, { ...totals, grossOf: (role, id) => totals.grossOf(role, id) + 1n }, NOW)
    const spent = audit(batches, { ...totals, spentOf: (who) => totals.spentOf(who) + 1n }, NOW)

    expect(codes(gross.lies)).to.deep.equal(['total.differs'])
    expect(codes(spent.lies)).to.deep.equal(['spent.differs'])
  })

  it('names a line that debits a payer for what no leaf of it charges', () => {
    const { batches, totals } = honest(FIRST)
    const [batch] = batches as [AuditedBatch]
    const other = { ...batch, charges: new Map([[payer(1), 22n]]) }

    expect(codes(audit([other], totals, NOW).lies)).to.include('line.differs')
  })

  describe('that finds no data', () => {
    const month = (batch: AuditedBatch, ageSeconds: number, forgotten = true): AuditedBatch => ({
      ...batch,
      leaves: undefined,
      absent: { settledAt: NOW - ageSeconds, forgotten, putOff: false },
    })
    const OLD = KEEP_SECONDS + 1
    const THIRD: Call[] = [
      [3, 3, 1, 0, 4n],
      [1, 1, 1, 1, 6n],
    ]

    it('says which batches it did not audit, and that an honest router older than thirty days told no lie', () => {
      const { batches, totals } = honest(FIRST, SECOND, THIRD)
      const [first, second, third] = batches as [AuditedBatch, AuditedBatch, AuditedBatch]

      const found = audit([month(first, OLD), month(second, OLD), third], totals, NOW)

      expect(found.lies).to.deep.equal([])
      expect(found).to.deep.include({ whole: false, notAudited: [1n, 2n], leaves: 2 })
    })

    it('names data that is gone sooner, or that a router never had, and not what it forgot in time', () => {
      const { batches, totals } = honest(FIRST, SECOND)
      const [first, second] = batches as [AuditedBatch, AuditedBatch]
      const missing = (gone: AuditedBatch) => audit([gone, second], totals, NOW)

      expect(codes(missing(month(first, KEEP_SECONDS)).lies)).to.deep.equal(['data.missing'])
      expect(codes(missing(month(first, OLD, false)).lies)).to.deep.equal(['data.missing'])
      expect(codes(missing(month(first, OLD)).lies)).to.deep.equal([])
    })

    it('names data that a router only ever puts off by its own name, and counts the batch by its lines', () => {
      const { batches, totals } = honest(FIRST, SECOND)
      const [first, second] = batches as [AuditedBatch, AuditedBatch]
      const putOff = {
        ...month(first, OLD),
        absent: { settledAt: NOW - OLD, forgotten: false, putOff: true },
      }

      const found = audit([putOff, second], totals, NOW)

      expect(codes(found.lies)).to.deep.equal(['data.withheld'])
      expect(found).to.deep.include({ whole: false, notAudited: [], leaves: 2 })
    })

    it('names data that only the auditor kept, and audits it', () => {
      const { batches, totals } = honest(FIRST, SECOND)
      const [first, second] = batches as [AuditedBatch, AuditedBatch]
      const kept = { ...first, absent: { settledAt: NOW, forgotten: true, putOff: false } }

      const found = audit([kept, second], totals, NOW)

      expect(codes(found.lies)).to.deep.equal(['data.missing'])
      expect(found).to.deep.include({ whole: true, leaves: 5 })
    })

    it('a thief hides nothing by withholding a batch: what comes after is held to the lines of the chain', () => {
      const { batches, totals, leaves } = honest(FIRST, SECOND, THIRD)
      const [first, second, third] = batches as [AuditedBatch, AuditedBatch, AuditedBatch]
      const following = (changed: AuditedBatch, figures = totals) =>
        codes(audit([first, month(second, OLD), changed], figures, NOW).lies)
      const relisted = (change: (leaf: Leaf) => Leaf) => publish(3n, (leaves[2] ?? []).map(change), THIRD)

      expect(following(third), 'an honest one').to.deep.equal([])
      expect(following({ ...third, lines: { ...third.lines, node: new Map([[9, 10n]]) } })).to.include(
        'line.differs',
      )
      expect(following(relisted((leaf) => ({ ...leaf, nodeGross: leaf.nodeGross - 1n })))).to.include(
        'payee.overlap',
      )
      expect(following(relisted((leaf) => ({ ...leaf, podGross: leaf.podGross + 1n })))).to.include(
        'payee.gap',
      )
      expect(following(relisted((leaf) => ({ ...leaf, charged: leaf.charged + 1n })))).to.include(
        'gross.differs',
      )
      expect(following(third, { ...totals, spentOf: (who) => totals.spentOf(who) + 1n })).to.deep.equal([
        'spent.differs',
      ])
      expect(
        following(third, { ...totals, grossOf: (role, id) => totals.grossOf(role, id) + 1n }),
      ).to.deep.equal(['total.differs'])
    })
  })
})
