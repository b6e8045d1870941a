import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { findChromium, NO_CHROMIUM } from '../test/apps/chromium.ts'
import { openStage } from '../test/apps/pondera.ts'
import { type Figure, figure } from './figure.ts'

/**
 * `npm run bench -- web`: Lighthouse's three scores of every page of the web, on a whole network. Lighthouse's own simulated
 * phone and line, the median of five runs; beside them a page with one sentence on it, measured in between.
 */

/** The addresses that people come to. */
const PAGES = [
  '/',
  '/pods',
  '/nodes',
  '/explorer',
  '/credits',
  '/stake',
  '/lock',
  '/vote',
  '/claim',
  '/pondera',
  '/imagine',
  '/search',
]
const RUNS = Number(process.env.HEURIST_RUNS ?? 5)
const CATEGORIES = ['performance', 'accessibility', 'best-practices'] as const
type Scores = Record<(typeof CATEGORIES)[number], number>

const folder = join(import.meta.dirname, 'lighthouse')
const BARE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bare</title></head><body><main><h1>One sentence.</h1></main></body></html>'

export async function run(): Promise<Figure[]> {
  install()
  const wanted = process.argv.slice(2).filter((word) => word.startsWith('/'))
  const stage = await openStage({ relay: true })
  const bare = createServer((_, response) => response.setHeader('content-type', 'text/html').end(BARE))
  await new Promise<void>((listening) => bare.listen(0, '127.0.0.1', listening))
  try {
    const baseline = await medianOf(`http://127.0.0.1:${(bare.address() as AddressInfo).port}/`)
    const figures: Figure[] = []
    for (const page of wanted.length > 0 ? wanted : PAGES) {
      const scores = await medianOf(stage.url + page)
      for (const name of CATEGORIES) {
        figures.push(
          figure(`${page} ${name}`, scores[name], 'of 100', { name: 'one sentence', value: baseline[name] }),
        )
      }
      process.stderr.write(`${page} ${CATEGORIES.map((name) => `${name} ${scores[name]}`).join(', ')}\n`)
    }
    return figures
  } finally {
    bare.close()
    await stage.close()
  }
}

/** Lighthouse is no part of the project: it comes with the first measurement. */
function install(): void {
  if (existsSync(join(folder, 'node_modules', 'lighthouse'))) return
  process.stderr.write('installing Lighthouse\n')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })
  if (status !== 0) throw new Error('Lighthouse could not be installed')
}

async function medianOf(url: string): Promise<Scores> {
  const runs: Scores[] = []
  for (let count = 0; count < RUNS; count += 1) runs.push(await measure(url))
  const middle = (name: keyof Scores) => runs.map((each) => each[name]).sort((a, b) => a - b)[RUNS >> 1] ?? 0
  return Object.fromEntries(CATEGORIES.map((name) => [name, middle(name)])) as Scores
}

/** Scores of one visit by a browser that was never there, 0 to 100. */
async function measure(url: string): Promise<Scores> {
  const chromium = findChromium()
  if (chromium === undefined) throw new Error(NO_CHROMIUM)
  const child = spawn(
    process.execPath,
    [
      join(folder, 'node_modules', 'lighthouse', 'cli', 'index.js'),
      url,
      '--output=json',
      '--quiet',
      `--only-categories=${CATEGORIES.join(',')}`,
      '--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage',
      '--no-enable-error-reporting',
    ],
    { env: { ...process.env, CHROME_PATH: chromium }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (bytes) => {
    text += bytes
  })
  await new Promise((closed) => child.on('close', closed))
  const { categories, runtimeError } = JSON.parse(text) as Report
  if (runtimeError !== undefined) throw new Error(`${url}: ${runtimeError.message}`)
  return Object.fromEntries(
    CATEGORIES.map((name) => [name, Math.round((categories[name]?.score ?? 0) * 100)]),
  ) as Scores
}

interface Report {
  categories: Partial<Record<string, { score: number | null }>>
  runtimeError?: { message: string }
}
