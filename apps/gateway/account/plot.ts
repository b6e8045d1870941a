import { formatUsd } from '../../../sdk/units.ts'
import { escaped } from '../markup.ts'
import type { UsageQuery, UsageRow } from './usage.ts'

const [WIDTH, PANEL, LEFT, RIGHT, TOP, GAP, BOTTOM] = [760, 150, 84, 12, 40, 34, 34]
const HEIGHT = TOP + 2 * PANEL + GAP + BOTTOM
const DAY_MS = 86_400_000
/** Bars that fit; of more days or names the last ones are shown, and how many are not is said. */
const MOST_BARS = 366
/** Labels below the bars that can be read side by side. */
const MOST_LABELS = 8

/** What a bar stands for, and how high it is in a panel's own unit. */
interface Bar {
  name: string
  usd: bigint
  calls: number
}

/**
 * What calls came to, as bars of dollars over bars of calls. Days without a call have none. A picture by itself: no script, no
 * font, no request; dark where the reader is; it says in words what it shows.
 *
 * @param rows  As `usageOf` gives them, in their order.
 */
export function usagePlot(by: UsageQuery['by'], rows: readonly UsageRow[]): string {
  const all = by === 'day' ? everyDay(rows) : rows.map(barOf)
  const bars = all.slice(-MOST_BARS)
  const title = `Spend and calls by ${by}`
  const spend = panel(
    bars,
    TOP,
    ({ usd }) => Number(usd),
    (value) => `$${shortUsd(value)}`,
  )
  const calls = panel(
    bars,
    TOP + PANEL + GAP,
    ({ calls }) => calls,
    (value) => String(Math.round(value)),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="11">`,
    `<title id="title">${title}</title>`,
    `<desc id="desc">${escaped(inWords(bars, all.length - bars.length, by))}</desc>`,
    STYLE,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(8, 18, title, 'start'),
    ...spend,
    ...calls,
    ...labels(bars),
    '</svg>',
    '',
  ].join('\n')
}

const STYLE =
  '<style>.ground{fill:#fff}text{fill:#333}line{stroke:#ccc}.bar{fill:#2563eb}@media (prefers-color-scheme:dark){.ground{fill:#111}text{fill:#ddd}line{stroke:#444}.bar{fill:#7aa5ff}}</style>'

const barOf = ({ name, price, calls }: UsageRow): Bar => ({ name, usd: price, calls })

/** From the first day that has calls to the last. */
function everyDay(rows: readonly UsageRow[]): Bar[] {
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) return []
  const known = new Map(rows.map((row) => [row.name, barOf(row)]))
  const start = Date.parse(first.name)
  return Array.from({ length: (Date.parse(last.name) - start) / DAY_MS + 1 }, (_, index) => {
    const name = new Date(start + index * DAY_MS).toISOString().slice(0, 10)
    return known.get(name) ?? { name, usd: 0n, calls: 0 }
  })
}

function inWords(bars: readonly Bar[], left: number, by: string): string {
  const [first, last] = [bars[0], bars.at(-1)]
  if (first === undefined || last === undefined) return 'No call has ended yet.'
  const usd = bars.reduce((sum, each) => sum + each.usd, 0n)
  const calls = bars.reduce((sum, each) => sum + each.calls, 0)
  const most = bars.reduce((most, each) => (each.usd > most.usd ? each : most))
  const which = by === 'day' ? `From ${first.name} to ${last.name}` : `Of ${bars.length}`
  const more = left === 0 ? '' : ` ${left} before them are not shown.`
  return `${which}: $${formatUsd(usd)} for ${calls} calls; the most, $${formatUsd(most.usd)}, for ${most.name}.${more}`
}

const stepOf = (bars: readonly Bar[]): number => (WIDTH - LEFT - RIGHT) / Math.max(1, bars.length)
const at = (bars: readonly Bar[], index: number): number => LEFT + stepOf(bars) * (index + 0.5)

function panel(
  bars: readonly Bar[],
  top: number,
  heightOf: (bar: Bar) => number,
  shown: (value: number) => string,
): string[] {
  const highest = Math.max(1, ...bars.map(heightOf))
  const width = Math.max(0.5, stepOf(bars) * 0.8)
  const y = (value: number) => top + PANEL - (PANEL * value) / highest
  return [
    ...[0, 0.5, 1].flatMap((part) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(part * highest).toFixed(1)}" y2="${y(part * highest).toFixed(1)}"/>`,
      text(LEFT - 6, y(part * highest) + 4, shown(part * highest), 'end'),
    ]),
    ...bars.map((bar, index) => {
      const [x, above] = [at(bars, index) - width / 2, y(heightOf(bar))]
      const said = `${bar.name}: $${formatUsd(bar.usd)}, ${bar.calls} calls`
      return `<rect class="bar" x="${x.toFixed(1)}" y="${above.toFixed(1)}" width="${width.toFixed(1)}" height="${(top + PANEL - above).toFixed(1)}"><title>${escaped(said)}</title></rect>`
    }),
  ]
}

/** As many names as can be read side by side. */
function labels(bars: readonly Bar[]): string[] {
  const every = Math.ceil(bars.length / MOST_LABELS)
  return bars.flatMap(({ name }, index) =>
    index % every === 0 ? [text(at(bars, index), HEIGHT - 12, shortName(name), 'middle')] : [],
  )
}

const shortName = (name: string): string => (name.length <= 14 ? name : `${name.slice(0, 13)}…`)

/** Two digits that mean something, from base units. */
const shortUsd = (baseUnits: number): string =>
  (baseUnits / 1e6).toLocaleString('en-US', { maximumSignificantDigits: 2, useGrouping: false })

const text = (x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`
