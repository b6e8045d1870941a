import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDraw } from './draw.ts'
import { chartsOf, pageOf } from './page.ts'
import { type Effort, type Found, search, VARIANTS } from './search.ts'
import { FULL, liveDecade, QUICK } from './world.ts'

/**
 * `npm run economy -- [--json] [--seed N] [--quick] [--charts]`: searches for a profitable way to deal with oneself, under
 * the shipped rules and under six mistakes, and lives ten years. Exit code 1 if the shipped rules lose or a mistake is not
 * found out.
 */
const EFFORT: Effort = { points: 400_000, climbs: 200, steps: 400 }
const QUICK_EFFORT: Effort = { points: 8_000, climbs: 20, steps: 150 }

export function experiment(seed: number, quick: boolean, tell: (line: string) => void) {
  const effort = quick ? QUICK_EFFORT : EFFORT
  const found: Record<string, Found> = {}
  for (const [name, { rules }] of Object.entries(VARIANTS)) {
    found[name] = search(rules, createDraw(seed), { ...effort, untilProfit: name !== 'shipped' })
    const { rate, points, climbs } = found[name]
    tell(
      `${name.padEnd(20)} ${(rate / 1e6).toFixed(6).padStart(18)} per unit washed  (${points} points, ${climbs} climbs)`,
    )
  }
  const decade = liveDecade(seed, quick ? QUICK : FULL)
  const right = Object.entries(found).every(([name, { rate }]) => (name === 'shipped' ? rate < 0 : rate > 0))
  return { found, decade, right }
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      charts: { type: 'boolean', default: false },
      seed: { type: 'string', default: '20261125' },
    },
  })
  const seed = Number(values.seed)
  const tell = (line: string) => process.stderr.write(`${line}\n`)
  tell(`seed ${seed}`)
  const { found, decade, right } = experiment(seed, values.quick, tell)
  if (values.charts) {
    const folder = join(import.meta.dirname, '..', '..', 'docs', 'economy')
    mkdirSync(folder, { recursive: true })
    for (const [name, chart] of Object.entries(chartsOf(found, decade)))
      writeFileSync(join(folder, name), chart)
    writeFileSync(join(folder, '..', 'economy.md'), pageOf(found, decade, seed))
  }
  const { shipped, ...variants } = found
  const { weeks: _, ...sums } = decade
  const report = {
    name: 'economy',
    seed,
    best_profit: (shipped?.rate ?? 0) / 1e6,
    unit: 'per unit washed',
    margin: -(shipped?.rate ?? 0) / 1e6,
    shipped,
    variants,
    decade: sums,
    at: new Date().toISOString(),
  }
  const text = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
  process.stdout.write(`${JSON.stringify(report, text, values.json ? undefined : 2)}\n`)
  process.exitCode = right ? 0 : 1
}
