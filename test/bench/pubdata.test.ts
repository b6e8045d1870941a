import { expect } from 'chai'
import {
  eraBytes,
  netChanges,
  type StateDiff,
  valueBytes,
  zksyncOsBytes,
} from '../../bench/settle/pubdata.ts'

/** Widths by the published rule: header 1, key 32, index 5; the value's shortest form. */
describe('published bytes of a state difference', () => {
  const counter = { before: 7n << 96n, after: (7n << 96n) + 12_300_000n }

  it('a counter in the low half that rises by 12.3 dollars costs four bytes, falling as much as well', () => {
    expect(valueBytes(counter)).to.equal(1 + 3)
    expect(valueBytes({ before: counter.after, after: counter.before })).to.equal(1 + 3)
  })

  it('a hash costs 33, a first small value its own length, and back to zero the header alone', () => {
    const hash = 0xabn << 248n

    expect(valueBytes({ before: 1n << 255n, after: hash + (1n << 200n) + 1n })).to.equal(1 + 32)
    expect(valueBytes({ before: 0n, after: 255n })).to.equal(1 + 1)
    expect(valueBytes({ before: hash, after: 0n })).to.equal(1)
  })

  it('ZKsync OS writes every key, Era only that of a slot without an index', () => {
    const fresh = { before: 0n, after: 1n }

    expect(zksyncOsBytes([counter, fresh])).to.equal(32 + 4 + (32 + 2))
    expect(eraBytes([counter, fresh])).to.equal(5 + 4 + (32 + 2))
  })

  it('what a block changes and changes back is not published', () => {
    const slot = `0x${'00'.repeat(31)}01` as const
    const set = (from: number, to: number): StateDiff => ({
      pre: from === 0 ? {} : { a: { storage: { [slot]: `0x${from.toString(16)}` } } },
      post: to === 0 ? {} : { a: { storage: { [slot]: `0x${to.toString(16)}` } } },
    })

    expect([...netChanges([set(0, 5), set(5, 9)]).values()]).to.deep.equal([{ before: 0n, after: 9n }])
    expect(netChanges([set(0, 5), set(5, 0)]).size).to.equal(0)
  })
})
