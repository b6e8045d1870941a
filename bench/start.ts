import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, figure } from './figure.ts'

/**
 * How long it takes from a clone to a settled receipt: a fresh clone of the last commit, `npm ci`, the first
 * `npm start -- --once`, the second. The baseline is what this machine needs, in the same minutes, to start one bare
 * process of ours (Node with the TypeScript loader): the ratios travel between machines, the seconds do not.
 */
const root = join(import.meta.dirname, '..')
const PORT_BASE = '27800'

function seconds(command: string, argv: string[], cwd: string): number {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(command, argv, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0)
    throw new Error(`${command} ${argv.join(' ')} exited with ${status}\n${stdout}\n${stderr}`)
  return (performance.now() - started) / 1000
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

export async function run(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'heurist-start-'))
  const clone = join(folder, 'clone')
  try {
    seconds('git', ['clone', '--quiet', '--no-hardlinks', root, clone], root)
    const install = seconds('npm', ['ci', '--no-progress'], clone)
    const once = ['start', '--silent', '--', '--once', '--port-base', PORT_BASE]
    const first = seconds('npm', once, clone)
    const second = seconds('npm', once, clone)
    const bare = [1, 2, 3, 4, 5].map(() => seconds('node', ['--import', 'tsx', '--eval', '0'], clone))
    const baseline = { name: 'one bare process', value: round(median(bare)) }
    const kib = Number(
      /^\d+/.exec(spawnSync('du', ['-sk', 'node_modules'], { cwd: clone, encoding: 'utf8' }).stdout)?.[0],
    )

    return [
      figure('start.install', round(install), 's', baseline),
      figure('start.first', round(first), 's', baseline),
      figure('start.second', round(second), 's', baseline),
      figure('start.install_and_first', round(install + first), 's', baseline),
      figure('start.installed', Math.round(kib / 1024), 'MiB'),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const round = (value: number): number => Math.round(value * 100) / 100
