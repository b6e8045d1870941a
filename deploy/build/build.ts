import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parametersPage } from '../params.ts'
import { type Artifact, hardhatArtifacts, sourceHash } from './artifacts.ts'

/**
 * `npm run build`: compiles the contracts and writes what the other rooms import, so that a start compiles
 * nothing: `sdk/chain/abi.ts` (the ABIs) and `deploy/bytecode.json` (creation code and the hash of its sources).
 */

export const ABI_FILE = 'sdk/chain/abi.ts'
export const BYTECODE_FILE = 'deploy/bytecode.json'
export const PARAMETERS_FILE = 'docs/parameters.md'

const constantName = (name: string) =>
  `${name === name.toUpperCase() ? name.toLowerCase() : name[0]?.toLowerCase() + name.slice(1)}Abi`

/** Solidity's own names of types say nothing to who calls, and a browser loads every letter. */
const textOf = (abi: unknown): string =>
  JSON.stringify(abi, (key, value: unknown) => (key === 'internalType' ? undefined : value))

/** One ABI for each contract, and one of all their errors, each once. */
export function abiSource(artifacts: Artifact[]): string {
  const items = artifacts.flatMap(({ abi }) => [...abi])
  const errors = new Set(items.filter(({ type }) => type === 'error').map(textOf))
  const parts = [
    ...artifacts.map(({ name, abi }) => `export const ${constantName(name)} = ${textOf(abi)} as const`),
    `export const errorsAbi = [${[...errors].join(',')}] as const`,
  ]
  return `// Generated from contracts/ by \`npm run build\`. Do not edit.\n${parts.join('\n\n')}\n`
}

export function bytecodeSource(artifacts: Artifact[], sources: string): string {
  const contracts = Object.fromEntries(artifacts.map(({ name, bytecode }) => [name, bytecode]))
  return `${JSON.stringify({ sources, contracts }, undefined, 1)}\n`
}

/** Whether the committed generated files come from today's sources. */
export function generatedAreFresh(root: string): boolean {
  const { sources } = JSON.parse(readFileSync(join(root, BYTECODE_FILE), 'utf8')) as { sources: string }
  const parameters = readFileSync(join(root, PARAMETERS_FILE), 'utf8')
  return sources === sourceHash(root) && parameters === parametersPage()
}

/** @throws Error if the compiler does. */
export function compile(root: string): Artifact[] {
  const hardhat = join(root, 'node_modules', 'hardhat', 'internal', 'cli', 'bootstrap.js')
  const config = join(root, 'hardhat.config.cts')
  const result = spawnSync(process.execPath, [hardhat, '--config', config, 'compile'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (result.status !== 0) throw new Error('the contracts do not compile')
  return hardhatArtifacts(root)
}

if (import.meta.filename === process.argv[1]) {
  const root = process.cwd()
  const artifacts = compile(root)
  writeFileSync(join(root, ABI_FILE), abiSource(artifacts))
  writeFileSync(join(root, BYTECODE_FILE), bytecodeSource(artifacts, sourceHash(root)))
  writeFileSync(join(root, PARAMETERS_FILE), parametersPage())
  process.stdout.write(`${PARAMETERS_FILE}, ${ABI_FILE} and ${BYTECODE_FILE} are fresh\n`)
}
