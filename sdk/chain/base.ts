import { type Address, encodeAbiParameters, type Hex } from 'viem'
import { z } from 'zod'
import { later, refused } from '../errors.ts'
import { fromHex, keccak, toHex } from '../protocol/bytes.ts'
import { merkleTree } from '../protocol/merkle.ts'
import { ROLE } from '../protocol/messages.ts'
import { hashSchema, parseWire } from '../protocol/wire.ts'
import { emissionControllerAbi, registryAbi } from './abi.ts'
import type { Chain } from './clients.ts'

/** The base of an epoch: what a prober counted for each node, and the proofs by which anyone records it. */

/** One leaf of a report. Units are probe units; the contract counts at most the node's quota of them. */
export interface BaseLeaf {
  node: number
  units: bigint
}

export interface ProvenLeaf extends BaseLeaf {
  proof: Hex[]
}

/** A report with all its leaves, as its prober publishes it. */
export interface BaseReport {
  epoch: number
  root: Hex
  /** keccak256 of the probe log's bytes. */
  evidence: Hex
  /** In the order of the tree: rising by node, one for each. */
  leaves: BaseLeaf[]
}

const reportSchema = z.strictObject({
  epoch: z.number().int().nonnegative(),
  root: hashSchema,
  evidence: hashSchema,
  leaves: z
    .array(
      z.strictObject({
        node: z.number().int().positive(),
        units: z
          .string()
          .regex(/^\d{1,30}$/, 'a whole number as decimal text')
          .transform(BigInt),
      }),
    )
    .min(1),
})

/** @source `IEmissionController.Report.root`: keccak256(keccak256(abi.encode(uint32 node, uint256 units))). */
export function baseLeafHash({ node, units }: BaseLeaf): Hex {
  const encoded = encodeAbiParameters([{ type: 'uint32' }, { type: 'uint256' }], [node, units])
  return toHex(keccak(keccak(fromHex(encoded))))
}

/** @throws RangeError for no leaves. */
export function proveBase(leaves: readonly BaseLeaf[]): { root: Hex; leaves: ProvenLeaf[] } {
  const tree = merkleTree(leaves.map(baseLeafHash))
  return { root: tree.root, leaves: leaves.map((leaf, index) => ({ ...leaf, proof: tree.proof(index) })) }
}

/**
 * @param value  The JSON of a report; `toWire` makes it.
 * @throws `report.unreadable` (refused), also if its leaves do not make its root.
 */
export function parseBaseReport(value: unknown): BaseReport {
  const report = parseWire(reportSchema, value, 'report.unreadable')
  const { root } = proveBase(report.leaves)
  if (root === report.root) return report
  throw refused('report.unreadable', `its leaves make the root ${root}, not ${report.root}`, {
    field: 'root',
    details: { root, named: report.root },
  })
}

/**
 * What a keeper publishes of the report it filed for an epoch. Its word: {@link mustBeFiled} compares it with the chain.
 *
 * @throws `keeper.unreachable` (later), `report.none`, `report.unreadable` (refused).
 */
export async function fetchBaseReport(keeperUrl: string, epoch: number): Promise<BaseReport> {
  const address = `${keeperUrl.replace(/\/+$/, '')}/v1/reports/${epoch}`
  const response = await fetch(address, { signal: AbortSignal.timeout(10_000) }).catch((cause: unknown) => {
    throw later('keeper.unreachable', `no keeper answers at ${address}`, {
      fix: 'Check the URL: it is where the prober publishes its logs.',
      cause,
    })
  })
  if (response.status === 404) {
    throw refused('report.none', `that keeper has no report of epoch ${epoch}`, {
      fix: 'Ask the keeper of the account that filed it.',
      details: { epoch },
    })
  }
  const report = parseBaseReport(await response.json().catch(() => undefined))
  if (report.epoch === epoch) return report
  throw refused('report.unreadable', `it is of epoch ${report.epoch}, not ${epoch}`, { field: 'epoch' })
}

/** @throws `report.foreign` (refused) if it is not the one on the chain. */
export function mustBeFiled(report: BaseReport, filed: { root: Hex }): void {
  if (report.root === filed.root) return
  throw refused('report.foreign', `the chain has the root ${filed.root}, not ${report.root}`, {
    fix: 'Ask the keeper of the account that filed the report.',
    details: { epoch: report.epoch, filed: filed.root, published: report.root },
  })
}

/** Leaves that the contract would count and has not recorded: their node is active and still has a quota. */
export async function unrecordedBase(
  { client }: Chain,
  place: { registry: Address; emission: Address },
  { epoch, leaves }: Pick<BaseReport, 'epoch' | 'leaves'>,
): Promise<ProvenLeaf[]> {
  const emission = { address: place.emission, abi: emissionControllerAbi } as const
  const registry = { address: place.registry, abi: registryAbi } as const

  async function isDue({ node, units }: BaseLeaf): Promise<boolean> {
    const args = [node, epoch] as const
    const [recorded, points] = await client.readContract({
      ...emission,
      functionName: 'recordOf',
      args: [node],
    })
    if (units === 0n || (recorded === epoch && points > 0n)) return false
    const [active, quota] = await Promise.all([
      client.readContract({ ...registry, functionName: 'isActiveIn', args: [ROLE.node, ...args] }),
      client.readContract({ ...emission, functionName: 'quotaOf', args }),
    ])
    return active && quota > 0n
  }

  const due = await Promise.all(leaves.map(isDue))
  return proveBase(leaves).leaves.filter((_, index) => due[index])
}
