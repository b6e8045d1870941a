import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium, NO_CHROMIUM } from '../test/apps/chromium.ts'
import { openVisit, PLACES, type Place } from '../test/apps/places.ts'
import { type Figure, figure } from './figure.ts'

/**
 * `npm run bench -- web`: Lighthouse's three scores of every page of the web, on a whole network that somebody used. Lighthouse's
 * own simulated phone and line, the median of five runs; beside them a page with one sentence on it, measured before.
 * Arguments are pages, as `PLACES` writes them; `HEURIST_RUNS` is how often each is measured, `HEURIST_REPORTS` a folder
 * that keeps Lighthouse's whole reports.
 */

const RUNS = Number(process.env.HEURIST_RUNS ?? 5)
const CATEGORIES = ['performance', 'accessibility', 'best-practices'] as const
type Scores = Record<(typeof CATEGORIES)[number], number>

const folder = join(import.meta.dirname, 'lighthouse')
const BARE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bare</title></head><body><main><h1>One sentence.</h1></main></body></html>'

/** The pages that the command names; all of them if it names none. */
function wantedPlaces(): Place[] {
  const all = Object.keys(PLACES) as Place[]
  const words = process.argv.slice(2).filter((word) => word.startsWith('/'))
  const unknown = words.filter((word) => !all.includes(word as Place))
  if (unknown.length > 0) throw new Error(`no such page: ${unknown.join(', ')}; there are ${all.join(', ')}`)
  return words.length > 0 ? (words as Place[]) : all
}

export async function run(): Promise<Figure[]> {
  const places = wantedPlaces()
  install()
  const { house, page, paths } = await openVisit()
  const bare = createServer((_, response) => response.setHeader('content-type', 'text/html').end(BARE))
  await new Promise<void>((listening) => bare.listen(0, '127.0.0.1', listening))
  try {
    // A page that is open reads every few seconds.
    await page.context().close()
    const baseline = await medianOf(
      `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`,
      'one sentence',
    )
    const figures: Figure[] = []
    for (const place of places) {
      const scores = await medianOf(house.stage.url + paths[place], place)
      for (const name of CATEGORIES) {
        figures.push(
          figure(`${place} ${name}`, scores[name], 'of 100', { name: 'one sentence', value: baseline[name] }),
        )
      }
      process.stderr.write(`${place} ${CATEGORIES.map((name) => `${name} ${scores[name]}`).join(', ')}\n`)
    }
    return figures
  } finally {
    bare.close()
    await house.close()
  }
}

/** Lighthouse is no part of the project: it comes with the first measurement. */
function install(): void {
  if (existsSync(join(folder, 'node_modules', 'lighthouse'))) return
  process.stderr.write('installing Lighthouse\n')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })
  if (status !== 0) throw new Error('Lighthouse could not be installed')
}

async function medianOf(url: string, name: string): Promise<Scores> {
  const runs: Scores[] = []
  for (let count = 1; count <= RUNS; count += 1) {
    const report = await visit(url)
    keep(`${name} ${count}`, report)
    runs.push(scoresOf(report))
  }
  const middle = (name: keyof Scores) => runs.map((each) => each[name]).sort((a, b) => a - b)[RUNS >> 1] ?? 0
  return Object.fromEntries(CATEGORIES.map((name) => [name, middle(name)])) as Scores
}

/** A trace that a busy browser did not begin in time is no measurement: the page is visited again. */
const MOST_TRIES = 4

async function visit(url: string): Promise<Report> {
  for (let tries = 1; ; tries += 1) {
    const report = await visitOnce(url)
    if (report.runtimeError === undefined) return report
    const { code, message } = report.runtimeError
    if (code !== 'NO_NAVSTART' || tries === MOST_TRIES) throw new Error(`${url}: ${message}`)
  }
}

/** Lighthouse's report of one visit by a browser that was never there. */
async function visitOnce(url: string): Promise<Report> {
  const chromium = findChromium()
  if (chromium === undefined) throw new Error(NO_CHROMIUM)
  const place = mkdtempSync(join(tmpdir(), 'heurist-lighthouse-'))
  // Not from its output, whose end is lost when it fails.
  const file = join(place, 'report.json')
  try {
    const child = spawn(
      process.execPath,
      [
        join(folder, 'node_modules', 'lighthouse', 'cli', 'index.js'),
        url,
        '--output=json',
        `--output-path=${file}`,
        '--quiet',
        `--only-categories=${CATEGORIES.join(',')}`,
        '--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage',
        '--no-enable-error-reporting',
      ],
      { env: { ...process.env, CHROME_PATH: chromium }, stdio: ['ignore', 'ignore', 'inherit'] },
    )
    await once(child, 'close')
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

function keep(name: string, report: Report): void {
  const reports = process.env.HEURIST_REPORTS
  if (reports === undefined) return
  mkdirSync(reports, { recursive: true })
  writeFileSync(join(reports, `${name.replace(/[^\w]+/g, '-')}.json`), JSON.stringify(report))
}

/** 0 to 100. */
const scoresOf = ({ categories }: Report): Scores =>
  Object.fromEntries(
    CATEGORIES.map((name) => [name, Math.round((categories[name]?.score ?? 0) * 100)]),
  ) as Scores

interface Report {
  categories: Partial<Record<string, { score: number | null }>>
  runtimeError?: { code: string; message: string }
}
