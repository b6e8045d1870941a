import { expect } from 'chai'
import { currentOf, type KnownKey } from '../../apps/web/src/session/known.ts'

describe('which key of a browser pays', () => {
  const key = (name: string, credit: bigint, part: object = {}): KnownKey =>
    ({
      record: { address: `0x${name.repeat(40)}`, ...part },
      account: { credit, thawing: 0n },
      awaits: false,
    }) as unknown as KnownKey
  const nameOf = (found: KnownKey | undefined) => found?.record.address[2]
  const at = (name: string) => `0x${name.repeat(40)}` as const

  it('is the one that paid before, until it has less than a cent and another has more', () => {
    const [a, b] = [key('a', 10_000n), key('b', 5_000_000n)]
    expect(nameOf(currentOf([b, a], at('a')))).to.equal('a')
    for (const dust of [9_999n, 1n, 0n])
      expect(nameOf(currentOf([b, key('a', dust)], at('a'))), `${dust}`).to.equal('b')
  })

  it('is one with a little before one with nothing, and none whose credit is on its way back', () => {
    expect(nameOf(currentOf([key('b', 0n), key('a', 1n)], at('b')))).to.equal('a')
    const thawing = { ...key('a', 5_000_000n), account: { credit: 5_000_000n, thawing: 5_000_000n } }
    expect(nameOf(currentOf([thawing as KnownKey, key('b', 0n)], at('a')))).to.equal('b')
    expect(currentOf([key('a', 9n, { revokedAt: 1 })], undefined)).to.equal(undefined)
  })
})
