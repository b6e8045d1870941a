import { type BaseLeaf, type BaseReport, proveBase } from '../../sdk/chain/base.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import type { Probe } from './log.ts'

/**
 * Units of each node: its quota, times the part of its probes that it answered, rounded down. Quotas are in probe units.
 * A node that was never asked has no units: the prober owes it an explanation, not the reserve.
 */
export function countProbes(probes: readonly Probe[], quotas: ReadonlyMap<number, bigint>): BaseLeaf[] {
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

/**
 * @param leaves  Rising by node; only nodes with units.
 * @param log     The bytes of the probe log.
 * @returns undefined if no node has units: there is nothing to report.
 */
export function reportOf(
  epoch: number,
  leaves: readonly BaseLeaf[],
  log: Uint8Array,
): BaseReport | undefined {
  if (leaves.length === 0) return undefined
  return { epoch, root: proveBase(leaves).root, evidence: toHex(keccak(log)), leaves: [...leaves] }
}
