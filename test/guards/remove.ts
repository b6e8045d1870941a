import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { foundryBinary } from '../../deploy/chain.ts'
import { contractOf, findGuards, type Guard } from './guards.ts'
import { compileSwitched, plantTree, treeHash, writeSwitched } from './tree.ts'

/**
 * `npx tsx test/guards/remove.ts [--only pattern] [--json]`: switches the guards of the contracts off one by one and says
 * which test catches each. Exit code 1 if one is missed that `equivalent.json` does not explain.
 *
 * It works on a copy in the temporary folder, named after the sources, and keeps each result there as a line: what was
 * interrupted goes on where it stopped. The test that caught a guard last time is asked first, and all the others only if
 * it does not mind any more. A run over all guards writes `caught.json`, which `npm test` compares with the sources.
 */
const ROOT = join(import.meta.dirname, '..', '..')
const EXPLAINED = join(import.meta.dirname, 'equivalent.json')
const CAUGHT = join(import.meta.dirname, 'caught.json')
/** Least runs that every handler of the invariants needs to have succeeded; a guard is no matter of luck. */
const ENV = {
  ...process.env,
  FOUNDRY_FUZZ_RUNS: '24',
  FOUNDRY_INVARIANT_RUNS: '4',
  FOUNDRY_INVARIANT_DEPTH: '64',
}

/** The test contracts that speak of a source. */
const TESTS: Record<string, string> = {
  Registry: 'RegistryTest|GuardsTest|AttacksTest|LedgerTest|PermissionsTest',
  RouterBond: 'Bond(Collusion|Edges|Invariant|Peers|Proofs|Rounds|Tokens)?Test|AttacksTest|GuardsTest',
  VotingEscrow: 'Escrow(Pastless)?(Invariant)?Test|EconomyTwinTest',
  VoteController: 'Votes(Rewards|Tips)?Test|VotesInvariantTest|PermissionsEconomyTest|EconomyTwinTest',
  NodeStaking: 'Staking(Tokens|Tolls)?Test|Slashing(Cases|Proofs)Test|PermissionsEconomyTest|EconomyTwinTest',
  SlashingManager: 'Slashing(Cases|Proofs)Test|StakingTokensTest|PermissionsEconomyTest',
  EmissionController:
    'Emission(Reports|Rights|Vectors|Invariant)?Test|PermissionsEconomyTest|WashingTest|EconomyTwinTest',
  Emissions: 'Emission(Reports|Rights|Vectors)?Test|EconomyTwinTest',
  Locks: 'Escrow(Pastless)?(Invariant)?Test|EconomyTwinTest',
  ...Object.fromEntries(
    ['Powers', 'Weights'].map((name) => [
      name,
      'Escrow(Pastless)?(Invariant)?Test|Votes(Rewards|Tips)?Test|VotesInvariantTest|EconomyTwinTest',
    ]),
  ),
  ...Object.fromEntries(
    ['Papers', 'Streams'].map((name) => [
      name,
      'Votes(Rewards|Tips)?Test|VotesInvariantTest|EconomyTwinTest',
    ]),
  ),
  Prices: 'Burner(LeastPrice)?Test|EmissionRightsTest|EmissionVectorsTest',
  FeeBurner:
    'Burner(LeastPrice|Orders)?Test|EmissionRightsTest|EconomyAttacksTest|PermissionsEconomyTest|WashingTest|EconomyTwinTest',
  AuthorizedToken: 'HEUTest|TestDollarTest|LedgerDepositsTest|GuardsTest',
  Signatures: 'HEUTest|TestDollarTest|LedgerDepositsTest|GuardsTest',
}
/** What a source is compiled into; the ledger, if nothing is said. */
const CONTRACTS: Record<string, string[]> = {
  Registry: ['Registry'],
  RouterBond: ['RouterBond'],
  ...Object.fromEntries(
    [
      'VotingEscrow',
      'VoteController',
      'NodeStaking',
      'SlashingManager',
      'EmissionController',
      'FeeBurner',
    ].map((name) => [name, [name]]),
  ),
  Emissions: ['EmissionController'],
  Locks: ['VotingEscrow'],
  Powers: ['VotingEscrow', 'VoteController'],
  Weights: ['VotingEscrow', 'VoteController'],
  Papers: ['VoteController'],
  Streams: ['VoteController'],
  Prices: ['FeeBurner'],
  AuthorizedToken: ['HEU', 'TestDollar'],
  Signatures: ['HEU', 'TestDollar'],
}
const LEDGER_TESTS =
  'Ledger(Accounts|Deposits|PayOnce|Split|Tokens)?Test|AttacksTest|Bond(Edges|Peers|Rounds)?Test|GuardsTest|PermissionsTest'

interface Result {
  readonly name: string
  readonly place: string
  /** `Contract.test`; empty if no test minded. */
  readonly caughtBy: string
}

type ForgeReport = Record<string, { test_results: Record<string, { status: string }> }>

function forge(tree: string, args: string[]): string {
  const binary = foundryBinary('forge')
  if (binary === undefined) throw new Error('forge has no binary for this platform')
  const { stdout, stderr, status } = spawnSync(binary, args, {
    cwd: tree,
    encoding: 'utf8',
    env: ENV,
    maxBuffer: 1 << 28,
  })
  if (stdout === '' || (args[0] === 'build' && status !== 0))
    throw new Error(`forge ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** The first test of these contracts, or of this name in them, that fails, or nothing. Throws if a contract has none. */
function failing(tree: string, contracts: string, test = ''): string {
  // What failed without another guard would be tried again first, and a short sequence fails for having done little.
  for (const kind of ['invariant', 'fuzz'])
    rmSync(join(tree, 'cache', kind), { recursive: true, force: true })
  const chosen = [
    '--match-contract',
    `^(${contracts})$`,
    ...(test === '' ? [] : ['--match-test', `^${test}\\b`]),
  ]
  const output = forge(tree, ['test', '--json', '--fail-fast', ...chosen])
  if (test !== '' && output.startsWith('No tests found')) return ''
  const line = output.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) throw new Error(`forge said: ${output.slice(0, 2000)}`)
  const report = JSON.parse(line) as ForgeReport
  const results = Object.entries(report).flatMap(([suite, { test_results }]) =>
    Object.entries(test_results).map(([test, { status }]) => ({ suite, test, status })),
  )
  if (results.length === 0) throw new Error(`no test of ${contracts} ran`)
  const failed = results.find(({ status }) => status === 'Failure')
  return failed ? `${failed.suite.split(':')[1]}.${failed.test.split('(')[0]}` : ''
}

/** The test that catches this guard's absence; the one that did so before has the first word. */
function catching(tree: string, guard: Guard): string {
  const [contract = '', test = ''] = before[guard.name]?.split('.') ?? []
  if (new RegExp(`^(${testsOf(guard)})$`).test(contract)) {
    const again = failing(tree, contract, test === 'setUp' ? '' : test)
    if (again !== '') return again
  }
  return failing(tree, testsOf(guard))
}

/** The copy, compiled once as it is; every result of these sources is kept in it. */
function grown(): string {
  const tree = join(tmpdir(), `heurist-guards-${treeHash(ROOT)}`)
  if (existsSync(join(tree, 'ready'))) return tree
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  plantTree(ROOT, tree)
  forge(tree, ['build'])
  writeFileSync(join(tree, 'ready'), '')
  return tree
}

function remembered(file: string): Map<string, Result> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const results = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Result)
  return new Map(results.map((result) => [result.name, result]))
}

const testsOf = (guard: Guard) => TESTS[contractOf(guard.file)] ?? LEDGER_TESTS
const contractsOf = (guard: Guard) => CONTRACTS[contractOf(guard.file)] ?? ['ComputeLedger']

/** Guards that one compilation serves: those of the same contracts. */
function groups(guards: Guard[]): Map<string, Guard[]> {
  const sorted = new Map<string, Guard[]>()
  for (const guard of guards) {
    const key = contractsOf(guard).join(' ')
    sorted.set(key, [...(sorted.get(key) ?? []), guard])
  }
  return sorted
}

function removeEach(guards: Guard[]): Result[] {
  const tree = grown()
  const file = join(tree, 'results.jsonl')
  const known = remembered(file)
  const left = guards.filter(({ name }) => !known.has(name))
  for (const [names, group] of groups(left)) {
    process.stderr.write(`compiling ${names} with ${group.length} switches\n`)
    const made = compileSwitched(tree, names.split(' '))
    writeSwitched(tree, made, 0)
    for (const tests of new Set(group.map(testsOf))) {
      const broken = failing(tree, tests)
      if (broken !== '') throw new Error(`with every guard in place ${broken} fails`)
    }
    for (const guard of group) {
      writeSwitched(tree, made, guard.number)
      const caughtBy = catching(tree, guard)
      const result = { name: guard.name, place: `${guard.file}:${guard.line}`, caughtBy }
      known.set(guard.name, result)
      appendFileSync(file, `${JSON.stringify(result)}\n`)
      process.stderr.write(`${caughtBy === '' ? 'MISSED' : 'caught'} ${result.name} | ${caughtBy}\n`)
    }
    writeSwitched(tree, made, 0)
  }
  return guards.flatMap(({ name }) => known.get(name) ?? [])
}

const asked = process.argv.slice(2)
const only = asked.includes('--only') ? (asked[asked.indexOf('--only') + 1] ?? '') : ''
const before = JSON.parse(readFileSync(CAUGHT, 'utf8')) as Record<string, string>
const { guards } = findGuards(ROOT)
const results = removeEach(guards.filter(({ name }) => new RegExp(only).test(name)))
const explained = JSON.parse(readFileSync(EXPLAINED, 'utf8')) as Record<string, string>
const missed = results.filter(({ name, caughtBy }) => caughtBy === '' && explained[name] === undefined)
if (asked.includes('--json')) process.stdout.write(`${JSON.stringify({ results, missed }, null, 1)}\n`)
else {
  process.stdout.write('guard | file:line | caught by\n')
  for (const { name, place, caughtBy } of results) {
    process.stdout.write(`${name} | ${place} | ${caughtBy || explained[name] || 'NOTHING'}\n`)
  }
  process.stdout.write(`${results.length} guards, ${missed.length} missed\n`)
}
if (only === '') {
  const caught = results
    .filter(({ caughtBy }) => caughtBy !== '')
    .map(({ name, caughtBy }) => [name, caughtBy])
  writeFileSync(CAUGHT, `${JSON.stringify(Object.fromEntries(caught), null, 2)}\n`)
}
process.exit(missed.length > 0 ? 1 : 0)
