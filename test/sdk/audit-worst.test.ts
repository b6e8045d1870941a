import { expect } from 'chai'
import { createAuditor } from '../../sdk/audit.ts'
import { fastKeccak } from '../../sdk/native.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { createSeen } from '../../sdk/seen.ts'
import {
  type AuditedBatch,
  audit,
  type Call,
  codes,
  FIRST,
  hash,
  honest,
  NOW,
  publish,
  SECOND,
} from './audits.ts'

/** A router that does its worst so that its audit passes, says nothing, or never ends. */
describe('an audit of a router that does its worst', () => {
  const two = () => {
    const { batches, totals, leaves } = honest(FIRST, SECOND)
    const [first, second] = batches as [AuditedBatch, AuditedBatch]
    return { first, second, totals, leaves: leaves as [Leaf[], Leaf[]] }
  }
  /** A leaf of the batch that names the request of another call. */
  const repeating = (leaves: Leaf[], index: number, request: Leaf['request']) =>
    leaves.map((leaf, place) => (place === index ? { ...leaf, request } : leaf))

  it('names one call that is listed twice in a batch, or in two, though every figure fits: leaf.twice', () => {
    const { first, second, totals, leaves } = two()
    const within = audit([publish(1n, repeating(leaves[0], 2, hash(1)), FIRST), second], totals, NOW)
    const across = audit([first, publish(2n, repeating(leaves[1], 1, hash(3)), SECOND)], totals, NOW)

    expect(within.lies).to.deep.equal([
      { code: 'leaf.twice', seq: 1n, detail: `call ${hash(1)} is listed again, as leaf 2` },
    ])
    expect(across.lies).to.deep.equal([
      { code: 'leaf.twice', seq: 2n, detail: `call ${hash(3)} is listed again, as leaf 1` },
    ])
  })

  it('remembers every call of a full batch in sixteen megabytes, and no call is taken for another', () => {
    const seen = createSeen(fastKeccak)
    const before = process.memoryUsage().arrayBuffers
    let twice = 0

    for (let call = 0; call < 1_000_000; call += 1) if (seen(hash(call))) twice += 1
    const kept = process.memoryUsage().arrayBuffers - before

    expect(twice).to.equal(0)
    expect(kept).to.be.lessThan(48 * 1024 * 1024)
    for (const call of [0, 1, 500_000, 999_999]) expect(seen(hash(call)), `${call}`).to.equal(true)
  }).timeout(60_000)

  it('forgets calls when it is full, and none of the newest', () => {
    const seen = createSeen(fastKeccak, 100)
    for (let call = 0; call < 1_000; call += 1) seen(hash(call))

    for (let call = 999; call >= 900; call -= 1) expect(seen(hash(call)), `${call}`).to.equal(true)
    expect(seen(hash(1))).to.equal(false)
  })

  it('does not call a call that cost nothing a lie', () => {
    const free: Call[] = [
      [1, 1, 1, 1, 10n],
      [1, 1, 1, 1, 0n],
      [3, 2, 1, 0, 0n],
    ]
    const { batches, totals } = honest(free, SECOND, free)

    expect(audit(batches, totals, NOW).lies).to.deep.equal([])
  })

  it('tells a hundred lies of a kind in a batch and counts the rest: a router cannot fill its auditor with them', () => {
    const calls = Array.from({ length: 5_000 }, (): Call => [1, 1, 1, 1, 2n])
    const { batches, totals, leaves } = honest(calls)
    const same = (leaves[0] ?? []).map((leaf) => ({ ...leaf, nodeGross: 2n, request: hash(7) }))

    const found = audit([publish(1n, same, calls), ...batches.slice(1)], totals, NOW)

    expect(found.lies.filter(({ code }) => code === 'payee.overlap')).to.have.length(101)
    expect(found.lies.filter(({ code }) => code === 'leaf.twice').at(-1)?.detail).to.equal(
      'and 4899 more like these',
    )
    expect(found.overlaps).to.have.length(100)
  })

  it('tells no more than one lie of a kind in a batch once it told ten thousand: nor can a thousand batches fill it', () => {
    const calls = Array.from({ length: 100 }, (): Call => [1, 1, 1, 1, 2n])
    const auditor = createAuditor(NOW, fastKeccak)
    const { totals } = honest(calls)
    const leaves = honest(calls).leaves[0] ?? []
    const same = leaves.map((leaf) => ({ ...leaf, nodeGross: 1_000n, podGross: 1_000n, request: hash(7) }))
    const batch = publish(1n, same, calls)

    for (let seq = 1n; seq <= 1_000n; seq += 1n) {
      const open = auditor.open({ ...batch, seq })
      open.add(same)
      open.close()
    }
    const { lies, overlaps } = auditor.end(totals)

    expect(lies.length).to.be.lessThan(25_000)
    expect(overlaps.length).to.be.lessThan(10_000)
    expect(new Set(lies.map(({ seq }) => seq)), 'and every batch is named').to.have.length(1_000)
  }).timeout(60_000)

  it('keeps no more of batches without lines than one can name, whoever their leaves name', () => {
    const auditor = createAuditor(NOW, fastKeccak)
    const unread = { root: hash(1), gross: 0n, unread: '0x07' }
    const { totals } = honest(FIRST)
    const kept: number[] = []

    for (const seq of [1n, 2n]) {
      const open = auditor.open({ ...unread, seq })
      for (let call = 0; call < 65_535; call += 1) {
        const number = Number(seq) * 100_000 + call
        const payer = `0x${number.toString(16).padStart(40, '0')}` as const
        const gross = { nodeGross: 1n, podGross: 1n, frontendGross: 1n }
        const ids = { node: number, pod: number, frontend: number }
        open.add([
          { payer, charged: 1n, count: 1n, request: hash(number), receipt: hash(2), ...ids, ...gross },
        ])
      }
      open.close()
      kept.push([...auditor.payers(), ...auditor.payees()].length)
    }
    const { lies } = auditor.end(totals)

    expect(kept).to.deep.equal([4 * 65_535, 0])
    expect(codes(lies)).to.deep.equal(['batch.unreadable', 'gross.differs', 'root.wrong'])
  }).timeout(60_000)

  it('keeps totals of those alone whom lines of the chain name, and tells the others', () => {
    const calls = Array.from({ length: 3_000 }, (_, index): Call => [1, index + 10, 1, 1, 2n])
    const { totals, leaves } = honest(calls)
    const auditor = createAuditor(NOW)
    const posted = calls.map(([who, , pod, frontend, price]): Call => [who, 1, pod, frontend, price])
    const open = auditor.open(publish(1n, leaves[0] ?? [], posted))

    open.add(leaves[0] ?? [])
    open.close()
    const payees = [...auditor.payees()]
    const { lies } = auditor.end({ ...totals, grossOf: () => 0n })

    expect(payees).to.have.length(2)
    expect(codes(lies)).to.include('line.differs')
  })

  it('goes on after a batch whose transaction does not show it, and holds its leaves to the chain: batch.unreadable', () => {
    const { first, second, totals, leaves } = two()
    const unread = { ...first, unread: '0x07 does not show it' }
    const stolen = publish(
      1n,
      repeating(leaves[0], 0, hash(1)).map((leaf, index) =>
        index === 2 ? { ...leaf, nodeGross: leaf.nodeGross - 1n } : leaf,
      ),
      FIRST,
    )

    const told = audit([unread, second], totals, NOW)
    const lying = audit([{ ...stolen, unread: '0x07' }, second], totals, NOW)
    const over = audit([unread, second], { ...totals, spentOf: (who) => totals.spentOf(who) + 1n }, NOW)

    expect(told.lies).to.deep.equal([{ code: 'batch.unreadable', seq: 1n, detail: '0x07 does not show it' }])
    expect(told).to.deep.include({ batches: 2, leaves: 5, whole: true })
    expect(codes(lying.lies)).to.include('payee.overlap')
    expect(codes(over.lies)).to.include('spent.differs')
  })

  it('accuses nobody of what follows a batch of which neither lines nor leaves are known, and still names what it sees', () => {
    const { first, second, totals, leaves } = two()
    const lost: AuditedBatch = {
      ...first,
      unread: '0x07',
      leaves: undefined,
      absent: { settledAt: NOW, forgotten: false, putOff: true },
    }
    const twice = publish(2n, repeating(leaves[1], 1, hash(4)), SECOND)

    const told = audit([lost, second], totals, NOW)
    const lying = audit([lost, twice], totals, NOW)

    expect(told.lies.map(({ code, seq }) => [code, seq])).to.deep.equal([
      ['batch.unreadable', 1n],
      ['data.withheld', 1n],
    ])
    expect(told).to.deep.include({ leaves: 2, whole: false })
    expect(codes(lying.lies)).to.include('leaf.twice')
  })

  it('proves an overlap by two leaves that meet: one that hides far behind the last is told and not proved by it', () => {
    const calls: Call[] = [
      [1, 1, 1, 1, 10n],
      [1, 1, 1, 1, 10n],
      [1, 1, 1, 1, 10n],
      [1, 1, 1, 1, 10n],
    ]
    const { totals, leaves } = honest(calls)
    const ends = [10n, 20n, 8n, 25n]
    const changed = (leaves[0] ?? []).map((leaf, index) => ({ ...leaf, nodeGross: ends[index] ?? 0n }))

    const { lies, overlaps } = audit([publish(1n, changed, calls)], totals, NOW)

    expect(lies.filter(({ code }) => code === 'payee.overlap')).to.have.length(2)
    expect(overlaps).to.deep.equal([
      { role: 'node', id: 1, a: { seq: 1n, index: 1 }, b: { seq: 1n, index: 3 } },
    ])
  })
})
