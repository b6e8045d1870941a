import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'

/**
 * `npx tsx test/slither.ts`: Slither over the contracts, by the compiler that npm installed. Exit code 1 if it finds
 * anything of high or medium impact that `slither.json` does not explain, or if an explanation has become useless.
 *
 * Slither lives in a virtual environment of its own under `.data/`; only its first installation needs a network.
 */
const ROOT = join(import.meta.dirname, '..')
const VENV = join(ROOT, '.data', 'slither')
const VERSION = '0.11.6'

interface Detection {
  readonly check: string
  readonly impact: string
  readonly description: string
  readonly elements: readonly { source_mapping?: { filename_relative?: string } }[]
}

function run(command: string, args: string[], cwd: string): number {
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (error) throw new Error(`${command}: ${error.message}`)
  if (status !== 0) process.stderr.write(stderr.slice(-2000))
  return status ?? 1
}

function installed(): string {
  const slither = join(VENV, 'bin', 'slither')
  if (existsSync(slither)) return slither
  mkdirSync(dirname(VENV), { recursive: true })
  const made = run('python3', ['-m', 'venv', VENV], ROOT)
  if (made !== 0) throw new Error('python3 cannot make a virtual environment')
  const got = run(join(VENV, 'bin', 'pip'), ['install', '--quiet', `slither-analyzer==${VERSION}`], ROOT)
  if (got !== 0) throw new Error(`slither-analyzer ${VERSION} cannot be installed`)
  return slither
}

/** The contracts and all they import, by the name that the compiler knows them by. */
function sources(): Record<string, { content: string }> {
  const found: Record<string, { content: string }> = {}
  const wanted = readdirSync(join(ROOT, 'contracts'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sol'))
    .map((name) => `contracts/${name}`)
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    if (found[file]) continue
    const content = readFileSync(join(ROOT, file.startsWith('@') ? 'node_modules' : '', file), 'utf8')
    found[file] = { content }
    for (const [, path = ''] of content.matchAll(/import\s+(?:[^"]*?from\s+)?"([^"]+)"/g)) {
      wanted.push(path.startsWith('.') ? posix.join(posix.dirname(file), path) : path)
    }
  }
  return found
}

function analyse(): Detection[] {
  const slither = installed()
  const folder = mkdtempSync(join(tmpdir(), 'heurist-slither-'))
  try {
    const files = sources()
    for (const [file, { content }] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), content)
    }
    const kinds = ['abi', 'metadata', 'devdoc', 'userdoc', 'evm.bytecode', 'evm.deployedBytecode']
    const settings = {
      evmVersion: 'cancun',
      viaIR: true,
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': kinds, '': ['ast'] } },
    }
    writeFileSync(
      join(folder, 'input.json'),
      JSON.stringify({ language: 'Solidity', sources: files, settings }),
    )
    const solc = join(ROOT, 'deploy', 'solc', 'solc')
    const args = ['input.json', '--compile-force-framework', 'Solc-json', '--solc', solc]
    // Its exit code says whether it found anything at all; what counts is its report.
    spawnSync(slither, [...args, '--json', 'report.json'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as {
      success: boolean
      error: string | null
      results: { detectors?: Detection[] }
    }
    if (!report.success || !report.results.detectors) throw new Error(`slither: ${report.error}`)
    return report.results.detectors
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `detector Contract.function`, without the lines and arguments that change. */
function nameOf({ check, description }: Detection): string {
  const place = /\b([A-Z]\w+\.\w+)(?:\([^)]*\))?(\.\w+)?/.exec(description)
  return `${check} ${place?.[1] ?? ''}${place?.[2] ?? ''}`
}

const ours = ({ elements }: Detection) =>
  elements.some(({ source_mapping }) => source_mapping?.filename_relative?.startsWith('contracts/'))
const explained = JSON.parse(readFileSync(join(import.meta.dirname, 'slither.json'), 'utf8')) as Record<
  string,
  string
>
const all = analyse()
const serious = all.filter((found) => /^(High|Medium)$/.test(found.impact) && ours(found))
const unexplained = serious.filter((found) => explained[nameOf(found)] === undefined)
const names = new Set(serious.map(nameOf))
const useless = Object.keys(explained).filter((name) => !names.has(name))
for (const found of unexplained)
  process.stdout.write(`${found.impact} ${nameOf(found)}\n${found.description}\n`)
for (const name of useless) process.stdout.write(`no longer found: ${name}\n`)
process.stdout.write(
  `slither: ${all.length} findings, ${serious.length} high or medium in contracts/, ${unexplained.length} unexplained\n`,
)
process.exit(unexplained.length + useless.length > 0 ? 1 : 0)
