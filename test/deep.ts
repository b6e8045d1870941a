import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { foundryBinary } from '../deploy/chain.ts'

/**
 * `npm run test:deep`: what takes longer than a push may wait. Today the Solidity fuzz tests with twenty times the runs
 * and the invariants with 1,024 runs of depth 64. Simulation seeds, chaos, browser and Slither join it as they are built.
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
process.exit(status ?? 1)
