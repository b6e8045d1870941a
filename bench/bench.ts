import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from './figure.ts'

/** `npm run bench -- NAME [--json]`: runs one bench and prints its figures, one JSON object a line with `--json`. */

const NAMES = [
  'start',
  'settle',
  'pods',
  'router',
  'gateway',
  'web',
  'providers',
  'worker',
  'route',
  'sim',
] as const

const [name] = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const json = process.argv.includes('--json')

if (name === undefined || !(NAMES as readonly string[]).includes(name)) {
  process.stderr.write(`usage: npm run bench -- NAME [--json]; NAME is one of ${NAMES.join(', ')}\n`)
  process.exit(2)
}
const file = join(import.meta.dirname, `${name}.ts`)
if (!existsSync(file)) {
  process.stderr.write(
    `bench '${name}' has no subject yet: what it measures is not built. Nothing was measured.\n`,
  )
  process.exit(1)
}

const { run } = (await import(file)) as { run(): Promise<Figure[]> }
const figures = await run()
for (const figure of figures) {
  const ratio = figure.ratio === undefined ? '' : `  (${figure.ratio.toFixed(2)} × ${figure.baseline?.name})`
  process.stdout.write(
    json
      ? `${JSON.stringify(figure)}\n`
      : `${figure.name.padEnd(36)} ${figure.value} ${figure.unit}${ratio}\n`,
  )
}
process.exit(0)
