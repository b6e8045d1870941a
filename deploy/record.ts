import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { refused } from '../sdk/errors.ts'

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/) as unknown as z.ZodType<Address>

const schema = z.strictObject({
  chainId: z.number().int().positive(),
  /** Deployed contracts by role in the house; written one by one, so that an interrupted deployment goes on. */
  addresses: z.partialRecord(
    z.enum([
      'authority',
      'heu',
      'asset',
      'registryCode',
      'registry',
      'escrow',
      'staking',
      'ledger',
      'bond',
      'votes',
      'burnerCode',
      'burner',
      'emissionCode',
      'emission',
      'slashingCode',
      'slashing',
      'lens',
    ]),
    address,
  ),
  /** Ids of the pods that this record's owner registered, by name. */
  pods: z.record(z.string(), z.number().int().positive()),
  /** Ids of the frontends registered here, by name. */
  frontends: z.record(z.string(), z.number().int().positive()),
  /** Creation transactions, for explorers and audits. */
  transactions: z.record(z.string(), z.string() as unknown as z.ZodType<Hex>),
})

/** `deployments/<chain>.json`. */
export type DeploymentRecord = z.infer<typeof schema>
export type DeployedName = keyof DeploymentRecord['addresses']

export function readRecord(file: string, chainId: number): DeploymentRecord {
  if (!existsSync(file)) return { chainId, addresses: {}, pods: {}, frontends: {}, transactions: {} }
  const result = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (!result.success) {
    throw refused('deployment.unreadable', `${file} is not a deployment record`, {
      fix: 'Restore it from version control, or remove it to deploy afresh.',
    })
  }
  if (result.data.chainId !== chainId) {
    throw refused('chain.wrong', `${file} is of chain ${result.data.chainId}, not ${chainId}`)
  }
  return result.data
}

/** Replaces the file in one step: a crash leaves the old or the new one. */
export function writeRecord(file: string, record: DeploymentRecord): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, `${JSON.stringify(record, undefined, 2)}\n`)
  renameSync(`${file}.new`, file)
}
