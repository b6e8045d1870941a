import { expect } from 'chai'
import { mostOf, stretchesOf } from '../../apps/web/src/parts/scale.ts'
import { bySource } from '../../apps/web/src/portal/claim/by-source.ts'

describe('bars', () => {
  it('a part is as long as its part of the most, and begins where the one before it ends', () => {
    expect(stretchesOf([30n, 45n], 200n)).to.deep.equal([
      { from: 0, width: 15 },
      { from: 15, width: 22.5 },
    ])
    // Wei, of which a number would lose some.
    expect(stretchesOf([10n ** 24n, 2n * 10n ** 24n], 3n * 10n ** 24n)).to.deep.equal([
      { from: 0, width: 33.33 },
      { from: 33.33, width: 66.66 },
    ])
  })

  it('nothing is as long as nothing, also where there is nothing at all', () => {
    expect(stretchesOf([0n, 5n], 5n)).to.deep.equal([
      { from: 0, width: 0 },
      { from: 0, width: 100 },
    ])
    expect(stretchesOf([0n], 0n)).to.deep.equal([{ from: 0, width: 0 }])
  })

  it('the most of amounts is found to the last unit', () => {
    expect(mostOf([10n ** 24n, 10n ** 24n + 1n, 7n])).to.equal(10n ** 24n + 1n)
    expect(mostOf([])).to.equal(0n)
  })

  it('what is due is summed by where it comes from, and more waits where more of any of it waits', () => {
    const due = [
      { kind: 'tips', unit: 'heu', amount: 5n, open: true },
      { kind: 'tips', unit: 'heu', amount: 7n, open: false },
      { kind: 'revenue', unit: 'usd', amount: 0n, open: true },
      { kind: 'share', unit: 'usd', amount: 11n, open: false },
      { kind: 'refund', unit: 'heu', amount: 2n, open: false },
    ] as const

    expect(bySource(due)).to.deep.equal([
      { kind: 'tips', unit: 'heu', amount: 12n, open: true },
      { kind: 'revenue', unit: 'usd', amount: 0n, open: true },
      { kind: 'share', unit: 'usd', amount: 11n, open: false },
      { kind: 'refund', unit: 'heu', amount: 2n, open: false },
    ])
  })
})
