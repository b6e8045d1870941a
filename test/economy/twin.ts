import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeAbiParameters, type Hex } from 'viem'
import { createDraw } from '../../bench/economy/draw.ts'
import { foundryBinary } from '../../deploy/chain.ts'
import { drawHistory, type History } from './histories.ts'
import { tallyOf } from './tally.ts'

/**
 * `npx tsx test/economy/twin.ts [--histories N] [--seed S] [--vector]`: draws histories, lets the model tell what must come
 * of them, and lets test/solidity/EconomyTwin.t.sol live them with the contracts. `--vector` writes the few that every
 * `forge test` lives.
 */
const ROOT = join(import.meta.dirname, '..', '..')
export const VECTOR = join(ROOT, 'test', 'vectors', 'economy.json')
export const VECTOR_SEED = 1
const VECTOR_HISTORIES = 5
/** Lived in one run of forge. */
const BATCH = 100

export function drawHistories(count: number, seed: number): History[] {
  const draw = createDraw(seed)
  return Array.from({ length: count }, () => drawHistory(draw, 2 + draw.below(8)))
}

const fileOf = (told: readonly bigint[][], indent?: number): string => {
  const encoded = told.map((words): Hex => encodeAbiParameters([{ type: 'uint256[]' }], [words]))
  const file = {
    count: told.length,
    ...Object.fromEntries(encoded.map((history, index) => [`h${index}`, history])),
  }
  return JSON.stringify(file, null, indent)
}

/** What `test/vectors/economy.json` holds. */
export const vector = (): string =>
  `${fileOf(
    drawHistories(VECTOR_HISTORIES, VECTOR_SEED).map(({ words }) => words),
    2,
  )}\n`

/** @returns what differs, as forge tells it; empty if the contracts lived all of them the same way. */
export function replay(told: readonly bigint[][]): string {
  const forge = foundryBinary('forge')
  if (forge === undefined) throw new Error('forge has no binary for this platform')
  mkdirSync(join(ROOT, 'cache'), { recursive: true })
  for (let done = 0; done < told.length; done += BATCH) {
    // A name of its own: two runs may share a tree.
    const name = `economy-twin-${process.pid}-${done}.json`
    const file = join(ROOT, 'cache', name)
    writeFileSync(file, fileOf(told.slice(done, done + BATCH)))
    const { status, stdout } = spawnSync(forge, ['test', '--mc', 'EconomyTwinTest', '--json'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, HEURIST_HISTORIES: `cache/${name}` },
      maxBuffer: 2 ** 28,
    })
    rmSync(file)
    if (status === 0 && stdout.includes('"status":"Success"')) continue
    const reason = /"reason":"([^"]*)"/.exec(stdout)?.[1] ?? stdout.slice(-2_000)
    return `histories ${done} to ${done + BATCH}: ${reason}`
  }
  return ''
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '20261125' },
      vector: { type: 'boolean', default: false },
    },
  })
  if (values.vector) writeFileSync(VECTOR, vector())
  else {
    const histories = drawHistories(Number(values.histories), Number(values.seed))
    const different = replay(histories.map(({ words }) => words))
    const acts = histories.reduce((sum, history) => sum + history.acts.length, 0)
    process.stdout.write(
      `seed ${values.seed}: ${values.histories} histories of ${acts} acts, ${different || 'equal to the wei'}\n`,
    )
    for (const [what, { compared, nonZero }] of Object.entries(tallyOf(histories)))
      process.stdout.write(`  ${what.padEnd(29)} ${compared} compared, ${nonZero} not zero\n`)
    process.exitCode = different === '' ? 0 : 1
  }
}
