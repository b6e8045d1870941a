import type { Address, Hex } from 'viem'
import { keccak, toHex } from './protocol/bytes.ts'
import { type Leaf, leafHash, merkleTree } from './protocol/merkle.ts'

/**
 * Recomputes every total of a router from the batch data it published and the batches that the chain settled. Pure: what
 * the chain and the router say comes in, what does not fit comes out.
 */

export const AUDITED_ROLES = ['node', 'pod', 'frontend'] as const
export type AuditedRole = (typeof AUDITED_ROLES)[number]

/** One settled batch: the chain's word, and what the router published behind its `dataHash`. */
export interface AuditedBatch {
  seq: bigint
  root: Hex
  dataHash: Hex
  /** All charges of its lines, base units. */
  gross: bigint
  /** Lines of the transaction: what each payee's gross grew by. */
  lines: Record<AuditedRole, ReadonlyMap<number, bigint>>
  /** Undefined if the router no longer serves it. */
  data: Uint8Array | undefined
  /** The leaves in `data`; undefined if it could not be read. */
  leaves: readonly Leaf[] | undefined
}

/** What the chain counts of this router after the last of the batches. */
export interface ChainTotals {
  grossOf(role: AuditedRole, id: number): bigint
  /** Of single payments, which no leaf counts. */
  paidOnceOf(role: AuditedRole, id: number): bigint
  spentOf(payer: Address): bigint
  /** Charges of a payer's skipped lines, which the float paid. */
  skippedOf(payer: Address): bigint
}

export interface Lie {
  code:
    | 'data.missing'
    | 'data.unreadable'
    | 'data.hash_wrong'
    | 'root.wrong'
    | 'charge.falls'
    | 'count.wrong'
    | 'payee.overlap'
    | 'payee.gap'
    | 'line.differs'
    | 'gross.differs'
    | 'total.differs'
    | 'spent.differs'
  seq: bigint
  detail: string
}

/** Where a leaf stands. */
export interface Place {
  seq: bigint
  index: number
}

/** Two leaves that count the same part of one payee's gross: `RouterBond.proveOverlap` convicts for it. */
export interface Overlap {
  role: AuditedRole
  id: number
  a: Place
  b: Place
}

export interface Audit {
  batches: number
  leaves: number
  gross: bigint
  /** Whether every batch from the first on was there: only then totals can be compared. */
  whole: boolean
  lies: Lie[]
  overlaps: Overlap[]
}

interface Count {
  total: bigint
  last: Place
}

const grossIn = (leaf: Leaf, role: AuditedRole): bigint =>
  role === 'node' ? leaf.nodeGross : role === 'pod' ? leaf.podGross : leaf.frontendGross

/** @param batches  All batches of the router, from the first on, in order. */
export function audit(batches: readonly AuditedBatch[], totals: ChainTotals): Audit {
  const payers = new Map<Address, { charged: bigint; count: bigint }>()
  const payees = new Map<string, Count>()
  const found: Audit = { batches: batches.length, leaves: 0, gross: 0n, whole: true, lies: [], overlaps: [] }
  for (const batch of batches) auditBatch(batch, payers, payees, found)
  if (found.whole) compare(batches.at(-1)?.seq ?? 0n, payers, payees, totals, found)
  return found
}

function auditBatch(
  batch: AuditedBatch,
  payers: Map<Address, { charged: bigint; count: bigint }>,
  payees: Map<string, Count>,
  found: Audit,
): void {
  const { seq, data, leaves } = batch
  const lie = (code: Lie['code'], detail: string) => found.lies.push({ code, seq, detail })
  found.gross += batch.gross
  if (!data || !leaves) {
    found.whole = false
    lie(data ? 'data.unreadable' : 'data.missing', data ? 'no list of leaves' : 'the router serves no data')
    // What follows is counted from where it stands.
    payers.clear()
    payees.clear()
    return
  }
  const dataHash = toHex(keccak(data))
  if (dataHash !== batch.dataHash)
    lie('data.hash_wrong', `the data hashes to ${dataHash}, not ${batch.dataHash}`)
  const { root } = merkleTree(leaves.map((leaf) => leafHash(leaf)))
  if (root !== batch.root) lie('root.wrong', `the leaves give root ${root}, not ${batch.root}`)
  found.leaves += leaves.length

  const lines = {
    node: new Map<number, bigint>(),
    pod: new Map<number, bigint>(),
    frontend: new Map<number, bigint>(),
  }
  let sum = 0n
  leaves.forEach((leaf, index) => {
    const price = priceOf(leaf, payers, found.whole, lie)
    if (price === undefined) return
    sum += price
    for (const role of AUDITED_ROLES) {
      lines[role].set(leaf[role], (lines[role].get(leaf[role]) ?? 0n) + price)
      auditPayee(role, leaf, price, { seq, index }, payees, found, lie)
    }
  })
  if (!found.whole) return
  if (sum !== batch.gross) lie('gross.differs', `the leaves charge ${sum}, the batch ${batch.gross}`)
  for (const role of AUDITED_ROLES) {
    for (const id of new Set([...lines[role].keys(), ...batch.lines[role].keys()])) {
      const [own, posted] = [lines[role].get(id) ?? 0n, batch.lines[role].get(id) ?? 0n]
      if (own !== posted)
        lie('line.differs', `${role} ${id}: the leaves add ${own}, the batch credits ${posted}`)
    }
  }
}

/** What a leaf charges: its payer's total less the one before. */
function priceOf(
  leaf: Leaf,
  payers: Map<Address, { charged: bigint; count: bigint }>,
  whole: boolean,
  lie: (code: Lie['code'], detail: string) => void,
): bigint | undefined {
  const payer = leaf.payer.toLowerCase() as Address
  const before = payers.get(payer) ?? (whole ? { charged: 0n, count: 0n } : undefined)
  payers.set(payer, { charged: leaf.charged, count: leaf.count })
  if (!before) return undefined
  if (leaf.count !== before.count + 1n) {
    lie('count.wrong', `${payer}: call ${leaf.count} follows call ${before.count}`)
  }
  if (leaf.charged <= before.charged) {
    lie('charge.falls', `${payer}: ${leaf.charged} charged in all after ${before.charged}`)
    return undefined
  }
  return leaf.charged - before.charged
}

function auditPayee(
  role: AuditedRole,
  leaf: Leaf,
  price: bigint,
  place: Place,
  payees: Map<string, Count>,
  found: Audit,
  lie: (code: Lie['code'], detail: string) => void,
): void {
  const id = leaf[role]
  const key = `${role} ${id}`
  const gross = grossIn(leaf, role)
  const before = payees.get(key)
  payees.set(key, { total: before && before.total > gross ? before.total : gross, last: place })
  const total = before?.total ?? (found.whole ? 0n : gross - price)
  const begins = gross - price
  if (begins === total) return
  const where = `${key}: (${begins}, ${gross}] after ${total}`
  if (begins > total) return lie('payee.gap', where)
  lie('payee.overlap', where)
  // A frontend 0 is nobody: nothing convicts for it.
  if (before && id !== 0) found.overlaps.push({ role, id, a: before.last, b: place })
}

function compare(
  seq: bigint,
  payers: ReadonlyMap<Address, { charged: bigint }>,
  payees: ReadonlyMap<string, Count>,
  totals: ChainTotals,
  found: Audit,
): void {
  const lie = (code: Lie['code'], detail: string) => found.lies.push({ code, seq, detail })
  for (const [key, { total }] of payees) {
    const [role, number] = key.split(' ') as [AuditedRole, string]
    const id = Number(number)
    const posted = totals.grossOf(role, id) - totals.paidOnceOf(role, id)
    if (posted !== total) lie('total.differs', `${key}: the leaves come to ${total}, the chain to ${posted}`)
  }
  for (const [payer, { charged }] of payers) {
    const owed = charged - totals.skippedOf(payer)
    const spent = totals.spentOf(payer)
    if (owed !== spent)
      lie('spent.differs', `${payer}: the leaves charge ${owed}, the chain debited ${spent}`)
  }
}
