/** Line and bar charts as SVG, plain enough to be read in a diff: same numbers, same bytes. Light and dark by `currentColor`. */

export interface Line {
  name: string
  colour: string
  /** One point per week. */
  values: readonly number[]
}

export interface Curve {
  name: string
  colour: string
  /** All above zero. */
  points: readonly (readonly [x: number, y: number])[]
}

const [WIDTH, HEIGHT] = [760, 300]
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 16, 44, 34]

/** @param unit  Of the values, after the title. */
export function lineChart(title: string, unit: string, lines: readonly Line[]): string {
  const count = Math.max(...lines.map(({ values }) => values.length))
  const top = niceTop(Math.max(...lines.flatMap(({ values }) => values)))
  const x = (index: number) => LEFT + ((WIDTH - LEFT - RIGHT) * index) / Math.max(1, count - 1)
  const y = (value: number) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top
  const years = Array.from({ length: Math.floor((count - 1) / 52) + 1 }, (_, year) => year)
  return svg(title, unit, [
    ...grid(
      [0, 0.25, 0.5, 0.75, 1].map((step) => step * top),
      y,
    ),
    ...years.map((year) => text(x(year * 52), HEIGHT - 12, `${year}`, 'middle')),
    text(WIDTH - RIGHT, HEIGHT - 12, 'years', 'end'),
    ...lines.map(
      ({ values, colour }) =>
        `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"/>`,
    ),
    ...legend(lines),
  ])
}

/**
 * Both axes go by powers: what is flat lies, what is linear climbs.
 *
 * @param unit  Of the values, after the title.
 */
export function powerChart(title: string, unit: string, curves: readonly Curve[]): string {
  const xs = [...new Set(curves.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b)
  const ys = curves.flatMap(({ points }) => points.map(([, y]) => y))
  const steps = roundSteps(Math.min(...ys), Math.max(...ys))
  const part = (value: number, low = 1, high = 1) => Math.log(value / low) / Math.log(high / low)
  const x = (value: number) => LEFT + (WIDTH - LEFT - RIGHT) * part(value, xs[0], xs.at(-1))
  const y = (value: number) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part(value, steps[0], steps.at(-1))
  return svg(title, unit, [
    ...grid(steps, y),
    ...xs.map((value) => text(x(value), HEIGHT - 12, `${value}`, 'middle')),
    ...curves.flatMap(({ points, colour }) => [
      `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`).join(' ')}"/>`,
      ...points.map(
        (point) =>
          `<circle cx="${x(point[0]).toFixed(1)}" cy="${y(point[1]).toFixed(1)}" r="3" fill="${colour}"/>`,
      ),
    ]),
    ...legend(curves),
  ])
}

/** @param bars  Each with its label; negative ones hang. */
export function barChart(
  title: string,
  unit: string,
  bars: readonly { label: string; value: number; colour: string; shown: string }[],
): string {
  const row = (HEIGHT - TOP - 10) / bars.length
  const longest = Math.max(...bars.map(({ value }) => Math.abs(value)), Number.MIN_VALUE)
  const zero = 330
  return svg(
    title,
    unit,
    bars.flatMap(({ label, value, colour, shown }, index) => {
      const at = TOP + row * index + row / 2
      const length = (Math.abs(value) / longest) * (value < 0 ? 120 : WIDTH - zero - 140)
      const from = value < 0 ? zero - length : zero
      return [
        text(8, at + 4, label, 'start'),
        `<rect x="${from.toFixed(1)}" y="${(at - row / 4).toFixed(1)}" width="${Math.max(1, length).toFixed(1)}" height="${(row / 2).toFixed(1)}" fill="${colour}"/>`,
        text(zero + (value < 0 ? 6 : length + 6), at + 4, shown, 'start'),
      ]
    }),
  )
}

function svg(title: string, unit: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="12" fill="#888">`,
    `<title>${title}</title>`,
    text(8, 18, `${title} (${unit})`, 'start', 14),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

const grid = (values: readonly number[], y: (value: number) => number): string[] =>
  values.flatMap((value) => [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#8884"/>`,
    text(LEFT - 6, y(value) + 4, short(value), 'end'),
  ])

function legend(lines: readonly { name: string; colour: string }[]): string[] {
  const width = Math.min(170, Math.floor((WIDTH - LEFT - RIGHT) / lines.length))
  return lines.flatMap(({ name, colour }, index) => [
    `<rect x="${LEFT + index * width}" y="26" width="10" height="10" fill="${colour}"/>`,
    text(LEFT + 16 + index * width, 35, name, 'start'),
  ])
}

const text = (x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', size = 12): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${words}</text>`

function niceTop(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

/** 1, 2, 5, 10, 20, ... from the last that is not above `low` to the first that is not below `high`. */
function roundSteps(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low))
  const last = Math.floor(Math.log10(high)) + 1
  const steps = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)).flatMap(
    (power) => [power, 2 * power, 5 * power],
  )
  return steps.filter((_, index) => (steps[index + 1] ?? Infinity) > low && (steps[index - 1] ?? 0) < high)
}

function short(value: number): string {
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size) return `${Number((value / size).toFixed(2))}${letter}`
  }
  return String(Number(value.toFixed(2)))
}
