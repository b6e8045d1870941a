import { expect } from 'chai'
import { usagePlot } from '../../apps/gateway/account/plot.ts'
import type { UsageRow } from '../../apps/gateway/account/usage.ts'
import { formatUsd } from '../../sdk/units.ts'

const row = (name: string, price: bigint, calls = 1): UsageRow => ({
  name,
  calls,
  unitsIn: 0,
  unitsOut: 0,
  price,
})

/** The heights of the bars, the panel of dollars first. */
const heightsOf = (svg: string): number[] =>
  [...svg.matchAll(/<rect class="bar"[^>]* height="([\d.]+)"/g)].map(([, height]) => Number(height))

/** Every tag is closed in its order. */
function isWellFormed(svg: string): boolean {
  const open: string[] = []
  for (const [, end, name = '', empty] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (end === '/') {
      if (open.pop() !== name) return false
    } else if (empty !== '/') open.push(name)
  }
  return open.length === 0 && !/<(?![/a-z])|&(?!amp;|lt;|gt;|quot;|#39;)/.test(svg)
}

describe('the plot of what was spent', () => {
  it('has a bar for every day from the first to the last, as high as its dollars and its calls', () => {
    const svg = usagePlot('day', [row('2026-02-27', 2_000_000n, 4), row('2026-03-02', 500_000n, 8)])
    const [fullest] = heightsOf(svg)

    expect(heightsOf(svg)).to.have.lengthOf(8)
    const parts = heightsOf(svg).map((height) => height / (fullest ?? 0))
    expect(parts).to.deep.equal([1, 0, 0, 0.25, 0.5, 0, 0, 1])
    expect(svg).to.include('2026-02-28: $0.000000, 0 calls')
  })

  it('says in words what it shows', () => {
    const rows = [row('2026-02-27', 2_000_000n, 4), row('2026-03-02', 500_000n, 8)]
    const svg = usagePlot('day', rows)

    expect(svg).to.match(/role="img" aria-labelledby="title desc"/)
    expect(svg).to.include('<title id="title">Spend and calls by day</title>')
    expect(svg).to.include(
      `From 2026-02-27 to 2026-03-02: $${formatUsd(2_500_000n)} for 12 calls; the most, $2.000000, for 2026-02-27.`,
    )
    expect(usagePlot('key', [])).to.include('No call has ended yet.')
  })

  it('loads nothing and runs nothing, in light and in dark, whatever a name holds', () => {
    const svg = usagePlot('pod', [row(`<script>alert("1")</script>&'`, 1n), row('chat', 2n)])

    expect(isWellFormed(svg)).to.equal(true)
    expect(svg).not.to.match(/<script|\son\w+=|href|url\(|@import/)
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.to.include('//')
    expect(svg).to.include('prefers-color-scheme:dark')
    expect(isWellFormed('<a><b></a></b>')).to.equal(false)
  })

  it('shows at most a year and a day, and says how many it does not', () => {
    const svg = usagePlot('day', [row('2024-01-01', 1n), row('2026-01-01', 1n)])

    expect(heightsOf(svg)).to.have.lengthOf(2 * 366)
    expect(svg).to.include(`${731 + 1 - 366} before them are not shown`)
  })
})
