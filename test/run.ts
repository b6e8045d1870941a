import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { foundryBinary } from '../deploy/chain.ts'

/**
 * `npm test`: every suite that needs no special machine, in one report. Forge runs the Solidity tests, mocha the
 * others; the last line counts both. Exit code 1 if anything failed or nothing ran.
 */

const root = join(import.meta.dirname, '..')

interface Tally {
  passed: number
  failed: number
}

function forgeSuite(): Tally {
  const forge = foundryBinary('forge')
  if (forge === undefined) {
    process.stdout.write('forge has no binary for this platform: the Solidity tests did not run\n')
    return { passed: 0, failed: 1 }
  }
  process.stdout.write('Solidity (forge)\n')
  const result = spawnSync(forge, ['test', '--json'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  const line = result.stdout.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) {
    process.stdout.write(`${result.stdout}${result.stderr}\n`)
    return { passed: 0, failed: 1 }
  }
  return forgeTally(JSON.parse(line) as ForgeReport)
}

type ForgeReport = Record<string, { test_results: Record<string, { status: string; reason: string | null }> }>

function forgeTally(report: ForgeReport): Tally {
  const tally = { passed: 0, failed: 0 }
  for (const [suite, { test_results }] of Object.entries(report)) {
    for (const [name, { status, reason }] of Object.entries(test_results)) {
      if (status === 'Success') tally.passed += 1
      else {
        tally.failed += 1
        process.stdout.write(`  FAILED ${suite} ${name}: ${reason ?? status}\n`)
      }
    }
  }
  process.stdout.write(`  ${tally.passed} passed, ${tally.failed} failed\n\n`)
  return tally
}

/** One mocha process per file: no test file sees another's clocks, ports or processes. */
async function mochaSuite(files: string[]): Promise<Tally> {
  const total = { passed: 0, failed: 0 }
  for (const file of files) {
    const tally = await mochaFile(file)
    total.passed += tally.passed
    total.failed += tally.failed
  }
  return total
}

function mochaFile(file: string): Promise<Tally> {
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js')
  const child = spawn(process.execPath, [mocha, file], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    process.stdout.write(text)
  })
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const count = (word: string) => Number(new RegExp(`^ {2}(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0)
      const failed = count('failing')
      resolve({ passed: count('passing'), failed: code === 0 ? failed : Math.max(1, failed) })
    })
  })
}

export function testFiles(): string[] {
  const folder = join(root, 'test')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((file) => join('test', file))
}

const asked = process.argv.slice(2)
const files = asked.length > 0 ? asked.filter((file) => existsSync(join(root, file))) : testFiles()
const solidity = asked.length === 0 ? forgeSuite() : { passed: 0, failed: 0 }
const typescript = await mochaSuite(files)
const passed = solidity.passed + typescript.passed
const failed = solidity.failed + typescript.failed
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
