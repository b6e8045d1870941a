import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Abi, Hex } from 'viem'

/** The contracts that the rest of the house deploys and talks to, by name. */
export const CONTRACTS = [
  'Authority',
  'UpgradeableProxy',
  'HEU',
  'TestDollar',
  'Registry',
  'ComputeLedger',
  'RouterBond',
  'VotingEscrow',
  'VoteController',
  'NodeStaking',
  'SlashingManager',
  'EmissionController',
  'FeeBurner',
  'Lens',
] as const
export type ContractName = (typeof CONTRACTS)[number]

export interface Artifact {
  name: ContractName
  abi: Abi
  bytecode: Hex
  deployedBytecode: Hex
}

/** Everything that decides the bytecode: sources, settings and the library versions pinned in the lockfile. */
const INPUTS = ['hardhat.config.cts', 'foundry.toml']

/** A hash of all that the generated files come from; equal hash, equal files. */
export function sourceHash(root: string): string {
  const hash = createHash('sha256')
  for (const file of [
    ...INPUTS,
    ...solidityFiles(join(root, 'contracts')).map((file) => file.slice(root.length + 1)),
  ]) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>
  }
  for (const name of ['@openzeppelin/contracts', 'solc'])
    hash.update(`${name}@${lock.packages[`node_modules/${name}`]?.version}`)
  return hash.digest('hex')
}

export function solidityFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sol'))
    .sort()
    .map((file) => join(folder, file))
}

/** Reads what `hardhat compile` wrote for our contracts. */
export function hardhatArtifacts(root: string): Artifact[] {
  return CONTRACTS.map((name) => {
    const source = solidityFiles(join(root, 'contracts')).find((file) => file.endsWith(`/${name}.sol`))
    if (source === undefined) throw new Error(`no source of ${name}`)
    const file = join(root, 'artifacts', source.slice(root.length + 1), `${name}.json`)
    const artifact = JSON.parse(readFileSync(file, 'utf8')) as {
      abi: Abi
      bytecode: Hex
      deployedBytecode: Hex
    }
    return {
      name,
      abi: artifact.abi,
      bytecode: artifact.bytecode,
      deployedBytecode: artifact.deployedBytecode,
    }
  })
}
