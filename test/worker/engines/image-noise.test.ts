import { expect } from 'chai'
import { gaussian, inverseNormal } from '../../../worker/engines/image/noise.ts'
import { philox, type Words } from '../../../worker/engines/image/philox.ts'

describe('the noise of an image', () => {
  // Known answers of the authors' Random123 library (kat_vectors, philox4x32 10).
  const KNOWN: { key: [number, number]; counter: Words; answer: Words }[] = [
    { key: [0, 0], counter: [0, 0, 0, 0], answer: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      key: [0xffffffff, 0xffffffff],
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      answer: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      key: [0xa4093822, 0x299f31d0],
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      answer: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ]

  for (const { key, counter, answer } of KNOWN) {
    it(`Philox4x32-10 of key ${key.map((k) => k.toString(16))} is the published answer`, () => {
      const words: Words = [0, 0, 0, 0]

      philox(key[0], key[1], counter, words)

      expect(words).to.deep.equal(answer)
    })
  }

  it('the inverse normal agrees with the quantiles of the tables', () => {
    const quantiles: [number, number][] = [
      [0.5, 0],
      [0.8413447460685429, 1],
      [0.9772498680518208, 2],
      [0.9986501019683699, 3],
      [0.975, 1.959963984540054],
      [1e-6, -4.753424308822899],
      [1e-9, -5.997807015007687],
    ]

    for (const [p, z] of quantiles) expect(inverseNormal(p), `p ${p}`).to.be.closeTo(z, 2e-6)
  })

  it('a value depends on seed, step and index alone, not on how many are drawn', () => {
    const long = gaussian(7, 3, 1001)
    const short = gaussian(7, 3, 18)

    expect([...long.subarray(0, 18)]).to.deep.equal([...short])
    expect([...gaussian(7, 4, 4)]).to.not.deep.equal([...gaussian(7, 3, 4)])
    expect([...gaussian(8, 3, 4)]).to.not.deep.equal([...gaussian(7, 3, 4)])
  })

  it('a hundred thousand values have the moments of a standard normal', () => {
    const noise = gaussian(2026, 0, 100_000)
    const moment = (power: number) => noise.reduce((sum, x) => sum + x ** power, 0) / noise.length

    // Standard errors at n = 100,000: 0.0032, 0.0045 and 0.031; four of each.
    expect(moment(1)).to.be.closeTo(0, 0.013)
    expect(moment(2)).to.be.closeTo(1, 0.018)
    expect(moment(4)).to.be.closeTo(3, 0.125)
  })
})
