import { encodeAbiParameters, type Hex } from 'viem'
import { fromHex, keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { merkleTree } from '../../sdk/protocol/merkle.ts'
import type { Probe } from './log.ts'

/** What a node's answers are worth: one leaf of the report. */
export interface Counted {
  node: number
  units: bigint
}

export interface ReportData {
  root: Hex
  /** keccak256 of the log's bytes. */
  evidence: Hex
  /** Rising by node; only nodes with units. */
  leaves: (Counted & { proof: Hex[] })[]
}

/**
 * Units of each node: its quota, times the part of its probes that it answered, rounded down. Quotas are in probe units.
 * A node that was never asked has no units: the prober owes it an explanation, not the reserve.
 */
export function countProbes(probes: readonly Probe[], quotas: ReadonlyMap<number, bigint>): Counted[] {
  const asked = new Map<number, { asked: bigint; answered: bigint }>()
  for (const { node, answered } of probes) {
    const count = asked.get(node) ?? { asked: 0n, answered: 0n }
    asked.set(node, { asked: count.asked + 1n, answered: count.answered + (answered ? 1n : 0n) })
  }
  return [...asked]
    .map(([node, count]) => ({ node, units: ((quotas.get(node) ?? 0n) * count.answered) / count.asked }))
    .filter(({ units }) => units > 0n)
    .sort((a, b) => a.node - b.node)
}

/** @source `IEmissionController.Report.root`: keccak256(keccak256(abi.encode(uint32 node, uint256 units))). */
export const leafOf = ({ node, units }: Counted): Hex => {
  const encoded = encodeAbiParameters([{ type: 'uint32' }, { type: 'uint256' }], [node, units])
  return toHex(keccak(keccak(fromHex(encoded))))
}

/** @returns undefined if no node has units: there is nothing to report. */
export function reportOf(counted: readonly Counted[], log: Uint8Array): ReportData | undefined {
  if (counted.length === 0) return undefined
  const tree = merkleTree(counted.map(leafOf))
  return {
    root: tree.root,
    evidence: toHex(keccak(log)),
    leaves: counted.map((leaf, index) => ({ ...leaf, proof: tree.proof(index) })),
  }
}
