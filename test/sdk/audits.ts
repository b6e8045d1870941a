import type { Address, Hex } from 'viem'
import {
  type Absence,
  type Audit,
  type AuditedBatch as Batch,
  type ChainTotals,
  createAuditor,
  type Lie,
} from '../../sdk/audit.ts'
import { type Leaf, leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'

/** A batch, what the router serves of it, and how often it is cut. */
export interface AuditedBatch extends Batch {
  absent?: Omit<Absence, 'detail'>
  /** Undefined: not even the auditor kept them. */
  leaves: Leaf[] | undefined
  /** What stands in the way of its last part. */
  broken?: 'data.hash_wrong' | 'data.unreadable' | 'data.missing'
  /** Why the transaction does not show its lines. */
  unread?: string
}

/** Audits batches whose leaves come one by one. */
export function audit(batches: readonly AuditedBatch[], totals: ChainTotals, nowSeconds: number): Audit {
  const auditor = createAuditor(nowSeconds)
  for (const { absent, leaves, broken, unread, ...batch } of batches) {
    const { seq, root, gross } = batch
    const open = auditor.open(unread === undefined ? batch : { seq, root, gross, unread })
    if (absent) open.absent({ ...absent, detail: 'the router serves no data' })
    for (const leaf of (broken ? leaves?.slice(0, -1) : leaves) ?? []) open.add([leaf])
    if (broken === 'data.missing')
      open.absent({ settledAt: nowSeconds, forgotten: false, putOff: false, detail: 'part 1' })
    if (broken && broken !== 'data.missing') open.abandon({ code: broken, detail: 'part 1' })
    else if (broken || !leaves) open.abandon()
    else open.close()
  }
  return auditor.end(totals)
}

export const payer = (number: number): Address => `0x${String(number).repeat(40)}`
export const hash = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`

/** Calls as a router counts them: payer, node, pod, frontend, price. */
export type Call = [payer: number, node: number, pod: number, frontend: number, price: bigint]

/** An honest router's batches of these calls, and the chain that settled them. */
export function honest(...batches: Call[][]): {
  batches: AuditedBatch[]
  totals: ChainTotals
  leaves: Leaf[][]
} {
  const sums = new Map<string, bigint>()
  const add = (key: string, price: bigint) => {
    const total = (sums.get(key) ?? 0n) + price
    sums.set(key, total)
    return total
  }
  let calls = 0
  const leaves = batches.map((batch) =>
    batch.map(([who, node, pod, frontend, price]): Leaf => {
      calls += 1
      return {
        payer: payer(who),
        charged: add(payer(who), price),
        count: add(`count ${who}`, 1n),
        request: hash(calls),
        receipt: hash(1_000 + calls),
        node,
        nodeGross: add(`node ${node}`, price),
        pod,
        podGross: add(`pod ${pod}`, price),
        frontend,
        frontendGross: add(`frontend ${frontend}`, price),
      }
    }),
  )
  const made = batches.map((batch, index) => publish(BigInt(index + 1), leaves[index] ?? [], batch))
  const at = (key: string) => sums.get(key) ?? 0n
  const totals: ChainTotals = {
    grossOf: (role, id) => at(`${role} ${id}`),
    paidOnceOf: () => 0n,
    spentOf: (who) => at(who),
    skippedOf: () => 0n,
  }
  return { batches: made, totals, leaves }
}

export function publish(seq: bigint, leaves: Leaf[], calls: Call[]): AuditedBatch {
  const line = (place: 1 | 2 | 3) => {
    const lines = new Map<number, bigint>()
    for (const call of calls) lines.set(call[place], (lines.get(call[place]) ?? 0n) + call[4])
    return lines
  }
  const charges = new Map<Address, bigint>()
  for (const [who, , , , price] of calls) charges.set(payer(who), (charges.get(payer(who)) ?? 0n) + price)
  return {
    seq,
    root: merkleTree(leaves.map((leaf) => leafHash(leaf))).root,
    gross: calls.reduce((sum, call) => sum + call[4], 0n),
    charges,
    lines: { node: line(1), pod: line(2), frontend: line(3) },
    leaves,
  }
}

/** The chain's time, Unix seconds. */
export const NOW = 2_000_000_000

export const FIRST: Call[] = [
  [1, 1, 1, 1, 10n],
  [2, 2, 1, 0, 7n],
  [1, 1, 2, 1, 5n],
]
export const SECOND: Call[] = [
  [2, 1, 1, 2, 3n],
  [1, 2, 2, 0, 9n],
]
export const codes = (lies: readonly Lie[]) => [...new Set(lies.map(({ code }) => code))].sort()
