import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freshBundle } from '../deploy/build/bundle.mjs'
import { foundryBinary } from '../deploy/chain.ts'
import { BROWSER_TESTS, findChromium, NO_CHROMIUM } from './apps/chromium.ts'

/**
 * `npm test`: every suite that needs no special machine, in one report. Forge runs the Solidity tests, mocha the
 * others, side by side: most of the one is a compiler with a single thread, and most of the other is waiting. The last
 * line counts both. Exit code 1 if anything failed or nothing ran.
 */

const root = join(import.meta.dirname, '..')

// The processes that tests start run from the bundle that the install made, as `heurist` starts them.
const bundle = freshBundle()
if (bundle !== undefined) process.env.HEURIST_BUNDLE = bundle

/** Test files that run at once: on two cores, for most of a test's time is spent waiting for chains and processes. */
const LANES = 3
/** Each of depth 64; `npm run test:deep` has 1,024. */
const FOUNDRY_INVARIANT_RUNS = '24'
/** Tests that ask forge themselves: they wait until its own suite is through, for it locks and fills one cache. */
const ASKS_FORGE = /^test\/(contracts|economy)\//
/** Tests that compile with Hardhat after the one of the bytecode, which has done it by then: at the end. */
const COMPILED = /^hardhat\//

interface Tally {
  passed: number
  failed: number
}

type ForgeTally = Tally & { failures: string }

async function forgeSuite(): Promise<ForgeTally> {
  const forge = foundryBinary('forge')
  if (forge === undefined) {
    return {
      passed: 0,
      failed: 1,
      failures: 'forge has no binary for this platform: the Solidity tests did not run\n',
    }
  }
  // What once failed would be tried again first, and a shrunk sequence fails for having done little, in a healthy tree too.
  for (const kind of ['invariant', 'fuzz'])
    rmSync(join(root, 'cache', kind), { recursive: true, force: true })
  const env = { FOUNDRY_INVARIANT_RUNS, ...process.env }
  const { stdout, output } = await ended(forge, ['test', '--json'], env)
  const line = stdout.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) return { passed: 0, failed: 1, failures: `${output}\n` }
  return forgeTally(JSON.parse(line) as ForgeReport)
}

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  /** Both streams, in the order in which they came. */
  output: string
}

function ended(command: string, args: string[], env = process.env): Promise<Ended> {
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', output: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
    said.output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.output += text
  })
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...said }))
  })
}

type ForgeReport = Record<string, { test_results: Record<string, { status: string; reason: string | null }> }>

function forgeTally(report: ForgeReport): ForgeTally {
  const tally = { passed: 0, failed: 0, failures: '' }
  for (const [suite, { test_results }] of Object.entries(report)) {
    for (const [name, { status, reason }] of Object.entries(test_results)) {
      if (status === 'Success') tally.passed += 1
      else {
        tally.failed += 1
        tally.failures += `\nFAILED ${suite} ${name}: ${reason ?? status}\n`
      }
    }
  }
  process.stdout.write(`Solidity (forge)\n  ${tally.passed} passed, ${tally.failed} failed\n\n`)
  return tally
}

interface FileReport {
  file: string
  tally: Tally
  seconds: number
  /** What mocha says about each failure, or how the process ended if it said nothing. */
  failures: string
}

/**
 * One mocha process per file: no test file sees another's clocks, ports or processes. Some run side by side; each file's
 * report is printed whole.
 */
async function mochaSuite(files: string[], forge: Promise<unknown>): Promise<FileReport[]> {
  const waiting = [...files]
  const reports: FileReport[] = []
  const lane = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      if (ASKS_FORGE.test(file)) await forge
      reports.push(await mochaFile(file))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return reports
}

async function mochaFile(file: string): Promise<FileReport> {
  const started = performance.now()
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js')
  const { code, signal, output } = await ended(process.execPath, [mocha, file])
  const seconds = (performance.now() - started) / 1000
  process.stdout.write(`${file} (${seconds.toFixed(0)} s)\n${output}`)
  const count = (word: string) => Number(new RegExp(`^ {2}(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0)
  const failed = code === 0 ? count('failing') : Math.max(1, count('failing'))
  const told = output.search(/^ {2}\d+ failing/m)
  const failures = told < 0 ? `  ended with ${signal ?? `exit code ${code}`}\n` : output.slice(told)
  return { file, tally: { passed: count('passing'), failed }, seconds, failures }
}

/** Ends the report: the slowest files, then every failure again, so that the end of a long log names it. */
function conclude(solidity: ForgeTally, reports: FileReport[]): Tally {
  const slowest = [...reports].sort((a, b) => b.seconds - a.seconds).slice(0, 10)
  process.stdout.write('\nslowest files\n')
  for (const { file, seconds } of slowest)
    process.stdout.write(`  ${seconds.toFixed(0).padStart(5)} s  ${file}\n`)
  process.stdout.write(solidity.failures)
  for (const { file, tally, failures } of reports)
    if (tally.failed > 0) process.stdout.write(`\nFAILED ${file}\n${failures}`)
  const tallies = [solidity, ...reports.map(({ tally }) => tally)]
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0)
  return { passed: sum(({ passed }) => passed), failed: sum(({ failed }) => failed) }
}

/** All but the tests in a browser; of those the first, where there is one. `npm run test:deep` runs every one of them. */
export function testFiles(): string[] {
  const folder = join(root, 'test')
  const skipped: readonly string[] = findChromium() === undefined ? BROWSER_TESTS : BROWSER_TESTS.slice(1)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .sort((one, other) => Number(COMPILED.test(one)) - Number(COMPILED.test(other)))
    .map((file) => join('test', file))
    .filter((file) => !skipped.includes(file))
}

const asked = process.argv.slice(2)
const files = asked.length > 0 ? asked.filter((file) => existsSync(join(root, file))) : testFiles()
const solidity = asked.length === 0 ? forgeSuite() : Promise.resolve({ passed: 0, failed: 0, failures: '' })
const reports = await mochaSuite(files, solidity)
const { passed, failed } = conclude(await solidity, reports)
if (asked.length === 0 && findChromium() === undefined) {
  process.stdout.write(`\nnot run: ${BROWSER_TESTS.join(', ')}\n${NO_CHROMIUM}\n`)
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
