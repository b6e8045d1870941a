import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { foundryBinary } from '../deploy/chain.ts'
import { BROWSER_TESTS } from './apps/chromium.ts'

/**
 * `npm run test:deep`: what takes longer than a push may wait. The Solidity fuzz tests with twenty times the runs and the
 * invariants with 1,024 runs of depth 64; what the Solidity tests reach; every guard of the contracts removed once;
 * 10,000 histories of the economy beside its model; the search for self-dealing that pays; 1,000 calls of the gateway and
 * where their money went; the web's doors in a real Chromium, without which it fails and says so; Slither. All run, and
 * it fails if one does.
 */
const root = join(import.meta.dirname, '..')
const forge = foundryBinary('forge')
if (forge === undefined) {
  process.stderr.write('forge has no binary for this platform\n')
  process.exit(1)
}
const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs')
const long = { FOUNDRY_FUZZ_RUNS: '5000', FOUNDRY_INVARIANT_RUNS: '1024', FOUNDRY_INVARIANT_DEPTH: '64' }
const steps: { name: string; command: string; args: string[]; env?: Record<string, string> }[] = [
  {
    name: 'fuzz',
    command: forge,
    args: ['test', '--match-test', 'testFuzz|invariant|supplyPlus'],
    env: long,
  },
  { name: 'coverage', command: process.execPath, args: [tsx, 'test/coverage.ts'] },
  { name: 'guards', command: process.execPath, args: [tsx, 'test/guards/remove.ts'] },
  { name: 'twin', command: process.execPath, args: [tsx, 'test/economy/twin.ts'] },
  { name: 'economy', command: process.execPath, args: [tsx, 'bench/economy/economy.ts', '--json'] },
  {
    name: 'gateway money',
    command: process.execPath,
    args: [join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'), 'test/apps/gateway-money.test.ts'],
    env: { HEURIST_CALLS: '1000' },
  },
  ...BROWSER_TESTS.map((file) => ({
    name: `browser: ${file}`,
    command: process.execPath,
    args: [join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'), file],
  })),
  { name: 'slither', command: process.execPath, args: [tsx, 'test/slither.ts'] },
]
const failed = steps.filter(({ name, command, args, env }) => {
  process.stdout.write(`\n${name}\n`)
  const { status } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  return status !== 0
})
process.stdout.write(
  failed.length === 0
    ? '\nall deep tests passed\n'
    : `\nfailed: ${failed.map(({ name }) => name).join(', ')}\n`,
)
process.exit(failed.length > 0 ? 1 : 0)
