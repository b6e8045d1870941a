import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { foundryBinary } from '../deploy/chain.ts'

/**
 * `npm run test:deep`: what takes longer than a push may wait. Today the Solidity fuzz tests with twenty times the runs
 * and the invariants with 1,024 runs of depth 64, and three months of random life, each printed as a table. Chaos, browser
 * and Slither join it as they are built.
 */
const root = join(import.meta.dirname, '..')
const forge = foundryBinary('forge')
if (forge === undefined) {
  process.stderr.write('forge has no binary for this platform\n')
  process.exit(1)
}
const env = {
  ...process.env,
  FOUNDRY_FUZZ_RUNS: '5000',
  FOUNDRY_INVARIANT_RUNS: '1024',
  FOUNDRY_INVARIANT_DEPTH: '64',
}
const { status } = spawnSync(forge, ['test', '--match-test', 'testFuzz|invariant|supplyPlus'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

const MONTHS = 3
for (let month = 0; month < MONTHS; month += 1) {
  const seed = String(Math.floor(Math.random() * 2 ** 31))
  const argv = ['--import', 'tsx', join(root, 'test', 'month', 'month.ts'), '--seed', seed]
  const lived = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' })
  if (lived.status !== 0) process.exit(lived.status ?? 1)
}
