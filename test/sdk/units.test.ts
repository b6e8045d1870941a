import { expect } from 'chai'
import { formatHeu, formatPercent, heu, percent } from '../../sdk/units.ts'
import { refusal } from './refusal.ts'

describe('amounts as people write them', () => {
  it('HEU are read and written to the last wei', () => {
    const seen = ['0', '1', '1.5', '0.000000000000000001', '961538.461538461538461538'].map((text) =>
      heu(text),
    )

    expect(seen).to.deep.equal([0n, 10n ** 18n, 15n * 10n ** 17n, 1n, 961_538_461538461538461538n])
    expect(seen.map(formatHeu)).to.deep.equal([
      '0',
      '1',
      '1.5',
      '0.000000000000000001',
      '961538.461538461538461538',
    ])
    expect(formatHeu(-15n * 10n ** 17n)).to.equal('-1.5')
  })

  it('percent are basis points, never above the whole', () => {
    expect(['0', '0.01', '12.5', '60%', '100'].map(percent)).to.deep.equal([0, 1, 1250, 6000, 10_000])
    expect(formatPercent(1250)).to.equal('12.5 %')
  })

  it('words that are no amount are refused with a way to write them', async () => {
    for (const text of ['', '-1', '1e3', '1.', '0.0000000000000000001', 'all']) {
      expect((await refusal((async () => heu(text))())).code, text).to.equal('amount.invalid')
    }
    for (const text of ['', '-1', '100.01', '1.234', '101', 'half']) {
      expect((await refusal((async () => percent(text))())).code, text).to.equal('percent.invalid')
    }
  })
})
