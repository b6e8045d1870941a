import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { findGuards } from './guards.ts'

/**
 * A copy of the contracts in which every guard has a switch, and all that their Solidity tests need.
 *
 * A switch asks for the address of a library, which is known only when bytecode is linked: so one compilation makes
 * every contract without a guard, each by writing another number where the address goes.
 */
const SWITCH = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

library GuardSwitch {
    function isHere() external pure returns (bool) {
        return true;
    }
}

function isOff(uint256 number) pure returns (bool) {
    return uint160(address(GuardSwitch)) == number;
}
`
const REENTRANCY = '@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol'
const UPGRADEABLE = 'contracts/access/Upgradeable.sol'
const SOURCES: Record<string, string> = {
  HEU: 'contracts/tokens/HEU.sol',
  TestDollar: 'contracts/tokens/TestDollar.sol',
}
/** Contracts with deep stacks. */
const DEEP = new Set([
  'ComputeLedger',
  'VoteController',
  'EmissionController',
  'SlashingManager',
  'FeeBurner',
])
const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string }
const PLACEHOLDER = /__\$[0-9a-f]{34}\$__/g

/** Everything that a result depends on: the contracts, their tests, and this script's own idea of a guard. */
export function treeHash(root: string): string {
  const hash = createHash('sha256')
  for (const folder of ['contracts', 'test/solidity', 'test/guards']) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((name) => /\.(sol|ts)$/.test(name)).sort()) {
      hash.update(file).update(readFileSync(join(root, folder, file)))
    }
  }
  return hash.digest('hex').slice(0, 12)
}

/** A copy of the contracts and tests, with what the repository has compiled so far. */
export function plantTree(root: string, tree: string): void {
  const needed = ['contracts', 'test/solidity', 'test/vectors', 'bench/snapshots', 'deploy/solc']
  for (const path of [...needed, 'foundry.toml', 'package.json', 'out', 'cache/forge']) {
    if (!existsSync(join(root, path))) continue
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    cpSync(join(root, path), join(tree, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
}

/** Bytecode by contract, with a placeholder where the switched guard's number goes. */
export type Switched = Record<string, string>

/**
 * Compiles the contracts with a switch at every guard. Some have deep stacks: they take the IR pipeline.
 */
export function compileSwitched(root: string, names: readonly string[]): Switched {
  const { armed } = findGuards(root)
  const made: Switched = {}
  for (const name of names) {
    const entry = SOURCES[name] ?? `contracts/${name}.sol`
    const input = {
      language: 'Solidity',
      sources: withImports(root, entry, armed),
      settings: {
        viaIR: DEEP.has(name),
        optimizer: { enabled: true, runs: 200 },
        evmVersion: 'cancun',
        metadata: { bytecodeHash: 'none', appendCBOR: false },
        outputSelection: { [entry]: { [name]: ['evm.bytecode.object'] } },
      },
    }
    const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput
    const code = output.contracts?.[entry]?.[name]?.evm.bytecode.object
    const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
    if (code === undefined || errors.length > 0)
      throw new Error(errors.map((e) => e.formattedMessage).join('\n'))
    made[name] = code
  }
  return made
}

/** Writes these contracts into the tree's artifacts, with the guard of this number off; 0 = none. */
export function writeSwitched(tree: string, made: Switched, guard: number): void {
  const address = guard.toString(16).padStart(40, '0')
  for (const [name, code] of Object.entries(made)) {
    const path = join(tree, 'out', `${name}.sol`, `${name}.json`)
    const artifact = JSON.parse(readFileSync(path, 'utf8')) as { bytecode: { object: string } }
    artifact.bytecode.object = `0x${code.replace(PLACEHOLDER, address)}`
    writeFileSync(path, JSON.stringify(artifact))
  }
}

interface SolcOutput {
  readonly contracts?: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>
  readonly errors?: { severity: string; formattedMessage: string }[]
}

function withImports(
  root: string,
  entry: string,
  armed: Map<string, string>,
): Record<string, { content: string }> {
  const sources: Record<string, { content: string }> = {}
  const wanted = [entry]
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    if (sources[file]) continue
    const content = sourceOf(root, file, armed)
    sources[file] = { content }
    for (const [, path = ''] of content.matchAll(/import\s+(?:[^"]*?from\s+)?"([^"]+)"/g)) {
      wanted.push(path.startsWith('.') ? posix.join(posix.dirname(file), path) : path)
    }
  }
  return sources
}

function sourceOf(root: string, file: string, armed: Map<string, string>): string {
  if (file === 'contracts/GuardSwitch.sol') return SWITCH
  if (file === 'contracts/SwitchedReentrancy.sol') return switchedReentrancy(root)
  const text = armed.get(file)
  if (text !== undefined) return switched(file, text)
  const plain = readFileSync(join(root, file.startsWith('@') ? 'node_modules' : '', file), 'utf8')
  return sayMemorySafe(file === UPGRADEABLE ? switchedUpgrade(plain) : plain)
}

/**
 * OpenZeppelin's checkpoints write to scratch space alone and do not say so: said, the compiler may move variables out of
 * a stack that is too deep.
 */
export function sayMemorySafe(source: string): string {
  return source.replaceAll('assembly {', 'assembly ("memory-safe") {')
}

function switchedReentrancy(root: string): string {
  const source = readFileSync(join(root, 'node_modules', REENTRANCY), 'utf8')
  return source.replace('"./TransientSlot.sol"', '"@openzeppelin/contracts/utils/TransientSlot.sol"').replace(
    /modifier nonReentrant\(\) \{\s*_nonReentrantBefore\(\);\s*_;\s*_nonReentrantAfter\(\);\s*\}/,
    (plain) => `${plain}
    modifier nonReentrantUnless(bool off) {
        if (!off) _nonReentrantBefore();
        _;
        if (!off) _nonReentrantAfter();
    }`,
  )
}

/** Our own `restricted`, of the contracts behind a proxy. */
function switchedUpgrade(source: string): string {
  return source.replace(
    /modifier restricted\(\) \{\s*_checkCanCall\(msg.sender, msg.data\);\s*_;\s*\}/,
    (plain) => `${plain}
    modifier restrictedUnless(bool off) {
        if (!off) _checkCanCall(msg.sender, msg.data);
        _;
    }`,
  )
}

/** The armed source with what its switches need. */
function switched(file: string, text: string): string {
  const up = '../'.repeat(file.split('/').length - 2) || './'
  return text
    .replace(/pragma solidity [^;]+;/, (pragma) => `${pragma}\nimport {isOff} from "${up}GuardSwitch.sol";`)
    .replace(`"${REENTRANCY}"`, `"${up}SwitchedReentrancy.sol"`)
    .replace(
      /modifier (whenRunning|onlyBond)\(\) \{\s*if \((.*)\) revert/g,
      (_, name: string, condition: string) =>
        `modifier ${name}Unless(bool off) {\n        if (!off && (${condition})) revert`,
    )
    .replace(
      /contract (?:ComputeLedger|NodeStaking) is [^{]*\{/,
      (head) => `${head}
    modifier restrictedUnless(bool off) {
        if (!off) _checkCanCall(_msgSender(), _msgData());
        _;
    }`,
    )
}
