import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { foundryBinary } from '../deploy/chain.ts'
import { plantTree, sayMemorySafe } from './guards/tree.ts'

/**
 * `npx tsx test/coverage.ts [--only pattern]`: which lines and branches of `contracts/`, or of the files that match, the
 * Solidity tests reach. Exit code 1 if a test fails, or if less than 98 % of all these lines or 95 % of the branches are
 * reached. Not run: tests of gas, which are about other bytecode than is measured here, and the invariants, which would
 * take an hour.
 *
 * The ledger's stack is too deep for the compiler without its optimizer, and so for forge's two ways. Here, on a copy, are
 * the assembly blocks of OpenZeppelin declared memory-safe, which they are, so that variables may move to memory; and the
 * intermediate code is not optimized at all, where `--ir-minimum` still rearranges it: every instruction keeps its line.
 *
 * A branch is one side of an `if`, or a `try`. forge counts the sides that have statements; the side of an `if` that goes
 * past it is what is left of the times its condition was asked. The parts of `&&`, `||` and `?:` are no branches to forge:
 * `guards/remove.ts` switches them off one by one.
 *
 * Some lines have no instruction of their own and count as missed: an assignment within assembly (`Registry`,
 * `SlashingManager`, `Upgradeable`, `Batches._word`), and the one call in the constructor of `Upgradeable`.
 */
const ROOT = join(import.meta.dirname, '..')
const LEAST_LINES_PERCENT = 98
const LEAST_BRANCHES_PERCENT = 95
const FILES_AT_ONCE = 9
const REMAPPED = 'openzeppelin'

interface Branch {
  readonly line: number
  readonly taken: number
}

/** Times by line, the lines that functions begin in, and times by `line,block,side` of a branch. */
interface Counts {
  readonly lines: Map<number, number>
  readonly heads: Set<number>
  readonly sides: Map<string, number>
}

/** What the tests reached of one source: times by line, and by side of a branch. */
interface Reached {
  readonly file: string
  readonly lines: ReadonlyMap<number, number>
  readonly branches: readonly Branch[]
}

function run(tree: string, args: string[]): void {
  const binary = foundryBinary('forge')
  if (binary === undefined) throw new Error('forge has no binary for this platform')
  const env = { ...process.env, FOUNDRY_FUZZ_RUNS: '64' }
  const { status, stdout, stderr } = spawnSync(binary, args, {
    cwd: tree,
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`forge ${args[0]}: ${stdout.slice(-4000)}${stderr.slice(-4000)}`)
}

/** The text with one thing in another's place; throws if it is not there. */
function swapped(text: string, part: string | RegExp, other: string): string {
  const made = text.replace(part, other)
  if (made === text) throw new Error(`not there: ${part}`)
  return made
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}

/** Makes the copy compile so that every instruction keeps its line. */
function ease(tree: string): void {
  const safe = join(tree, REMAPPED)
  cpSync(join(ROOT, 'node_modules/@openzeppelin/contracts'), safe, {
    recursive: true,
    filter: (path) => !path.endsWith('/build'),
  })
  const sources = readdirSync(safe, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.sol'),
  )
  for (const file of sources) edit(join(safe, file), sayMemorySafe)
  edit(join(tree, 'foundry.toml'), (text) => {
    const moved = swapped(text, '=node_modules/@openzeppelin/contracts/', `=${REMAPPED}/`)
    // forge reports on the sources of one compiler profile.
    return swapped(moved, /additional_compiler_profiles.*\ncompilation_restrictions.*\n/, '')
  })
  // "u" is forge's choice of steps and lets the default ones follow; "u:" lets none follow.
  edit(join(tree, 'deploy/solc/solc'), (text) =>
    swapped(
      text,
      "readFileSync(0, 'utf8')",
      `readFileSync(0, 'utf8').replace('"optimizerSteps":"u"', '"optimizerSteps":"u:"')`,
    ),
  )
}

/** Runs the tests on a copy, some of the files at a time: unoptimized, all of them are too much for one compilation. */
function measured(): Reached[] {
  const tree = mkdtempSync(join(tmpdir(), 'heurist-coverage-'))
  const folder = join(tree, 'test/solidity')
  const counted = new Map<string, Counts>()
  try {
    plantTree(ROOT, tree)
    // What reads an ABI reads what was built last: `npm run build` and every forge test build it.
    if (!existsSync(join(tree, 'out'))) run(tree, ['build'])
    ease(tree)
    const suites = readdirSync(folder).filter((file) => file.endsWith('.t.sol'))
    const texts = new Map(suites.map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
    const chosen = suites.filter((file) => !/(Gas|Invariant)\.t\.sol$/.test(file)).sort()
    for (const file of suites) rmSync(join(folder, file))
    for (let from = 0; from < chosen.length; from += FILES_AT_ONCE) {
      const some = chosen.slice(from, from + FILES_AT_ONCE)
      process.stderr.write(`${some.join(' ')}\n`)
      for (const file of some) writeFileSync(join(folder, file), texts.get(file) ?? '')
      run(tree, ['coverage', '--ir-minimum', '--report', 'lcov'])
      count(readFileSync(join(tree, 'lcov.info'), 'utf8'), counted)
      for (const file of some) rmSync(join(folder, file))
    }
    return [...counted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, counts]) => reached(file, counts))
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

/** Adds what one run reached to what others did. */
function count(lcov: string, counted: Map<string, Counts>): void {
  for (const record of lcov.split('end_of_record')) {
    const rows = (tag: string) =>
      [...record.matchAll(new RegExp(`^${tag}:(.*)$`, 'gm'))].map(([, text = '']) => text.split(','))
    const file = rows('SF')[0]?.[0] ?? ''
    if (!file.startsWith('contracts/')) continue
    const { lines, heads, sides } = counted.get(file) ?? {
      lines: new Map(),
      heads: new Set(),
      sides: new Map(),
    }
    for (const [line, times] of rows('DA'))
      lines.set(Number(line), (lines.get(Number(line)) ?? 0) + Number(times))
    for (const [line] of rows('FN')) heads.add(Number(line))
    for (const [line, block, side, taken] of rows('BRDA')) {
      const key = `${line},${block},${side}`
      // "-" is a branch that nobody came to.
      sides.set(key, (sides.get(key) ?? 0) + (Number(taken) || 0))
    }
    counted.set(file, { lines, heads, sides })
  }
}

function reached(file: string, { lines, heads, sides }: Counts): Reached {
  const source = readFileSync(join(ROOT, file), 'utf8').split('\n')
  const all = [...sides].map(([key, taken]) => {
    const [line, block] = key.split(',')
    return { line: Number(line), block, taken }
  })
  const alone = all.filter(({ block }) => all.filter((other) => other.block === block).length === 1)
  const past = alone.flatMap(({ line, taken }) => timesPast(source, lines, heads, line, taken))
  return { file, lines, branches: [...all, ...past] }
}

/** The side of an `if` that goes past it, where forge has counted only the times `taken` that it was entered. */
function timesPast(
  source: readonly string[],
  lines: ReadonlyMap<number, number>,
  heads: ReadonlySet<number>,
  line: number,
  taken: number,
): Branch[] {
  const text = source[line - 1] ?? ''
  if (!/\bif \(/.test(text)) return []
  const times = (number: number | undefined) => lines.get(number ?? 0) ?? 0
  if (!/\bif \([\w$.()[\]]+\) /.test(text)) return [{ line, taken: times(line) - taken }]
  // To ask a value takes no instruction of its own: the line behind a revert tells, and the one before anything else.
  const numbers = [...lines.keys()].sort((a, b) => a - b)
  const next = numbers.find((number) => number > line)
  const previous = numbers.findLast((number) => number < line)
  if (!text.includes('revert')) return [{ line, taken: times(previous) - taken }]
  return [{ line, taken: heads.has(next ?? 0) ? 0 : times(next) }]
}

/** How many of these there are, and how many were reached. */
function share(times: readonly number[]): { all: number; reached: number; text: string } {
  const [all, reached] = [times.length, times.filter((time) => time > 0).length]
  const percent = all === 0 ? 100 : (100 * reached) / all
  return { all, reached, text: `${percent.toFixed(2)} % (${reached}/${all})` }
}

const asked = process.argv.slice(2)
const only = asked.includes('--only') ? (asked[asked.indexOf('--only') + 1] ?? '') : ''
const files = measured().filter(({ file }) => new RegExp(only).test(file))
const rows = files.map(({ file, lines, branches }) => ({
  file,
  lines: [...lines.values()],
  branches: branches.map(({ taken }) => taken),
}))
const total = {
  file: 'all',
  lines: rows.flatMap(({ lines }) => lines),
  branches: rows.flatMap(({ branches }) => branches),
}
for (const { file, lines, branches } of files) {
  for (const [line, times] of lines) if (times === 0) process.stdout.write(`not reached: ${file}:${line}\n`)
  for (const { line, taken } of branches)
    if (taken <= 0) process.stdout.write(`one side never taken: ${file}:${line}\n`)
}
process.stdout.write('file | lines | branches\n')
for (const { file, lines, branches } of [...rows, total])
  process.stdout.write(`${file} | ${share(lines).text} | ${share(branches).text}\n`)
const low = (times: readonly number[], percent: number) => {
  const { all, reached } = share(times)
  return all === 0 || 100 * reached < percent * all
}
const failed = low(total.lines, LEAST_LINES_PERCENT) || low(total.branches, LEAST_BRANCHES_PERCENT)
process.exit(failed ? 1 : 0)
