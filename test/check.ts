import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * `npm run check`: format, lint, types, the house, generated files. All at once; the slowest decides. Types are checked by
 * TypeScript 7, which takes a third of the time; what generates types of contracts still loads 5.
 */

const root = join(import.meta.dirname, '..')
const bin = (path: string) => join(root, 'node_modules', path)

const CHECKS: { name: string; argv: string[] }[] = [
  { name: 'format and lint', argv: [bin('@biomejs/biome/bin/biome'), 'ci', '--colors=off', '.'] },
  { name: 'types', argv: [bin('typescript-native/bin/tsc'), '--noEmit', '-p', 'tsconfig.json'] },
  {
    name: 'types of the web page',
    argv: [bin('typescript-native/bin/tsc'), '--noEmit', '-p', 'apps/web/tsconfig.json'],
  },
  { name: 'house', argv: [bin('mocha/bin/mocha.js'), '--reporter', 'dot', 'test/house.test.ts'] },
]

function run({ name, argv }: (typeof CHECKS)[number]): Promise<boolean> {
  const started = Date.now()
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (text: Buffer) => {
    output += text.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const seconds = ((Date.now() - started) / 1000).toFixed(1)
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`)
      if (code !== 0) process.stdout.write(`${output}\n`)
      resolve(code === 0)
    })
  })
}

const results = await Promise.all(CHECKS.map(run))
process.exit(results.every(Boolean) ? 0 : 1)
