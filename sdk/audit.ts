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
  /** Lines of the transaction: what each payer was charged, by itself or by the float, in lower case. */
  charges: ReadonlyMap<Address, bigint>
  /** Lines of the transaction: what each payee's gross grew by. */
  lines: Record<AuditedRole, ReadonlyMap<number, bigint>>
  /**
   * Undefined if the router serves the data; else the second of the batch's block, and whether the router says that its
   * time is over.
   */
  absent: { settledAt: number; forgotten: boolean } | undefined
  /** What the router serves, or what the auditor kept of it. */
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

/** Data may be forgotten so long after its settlement. @source docs/protocol.md */
export const KEEP_SECONDS = 30 * 86_400

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
  /** Whether there was data of every batch. */
  whole: boolean
  /** Batches whose data the router may have forgotten, and has: only their lines were counted. */
  notAudited: bigint[]
  lies: Lie[]
  overlaps: Overlap[]
}

/** Running totals of a payer; how many calls it made is not known after a batch without data. */
interface PayerCount {
  charged: bigint
  count: bigint | undefined
}

/** Running totals of a payee; the last leaf is not known after a batch without data. */
interface PayeeCount {
  total: bigint
  last: Place | undefined
}

interface Counts {
  payers: Map<Address, PayerCount>
  payees: Map<string, PayeeCount>
}

type Tell = (code: Lie['code'], detail: string) => void

const grossIn = (leaf: Leaf, role: AuditedRole): bigint =>
  role === 'node' ? leaf.nodeGross : role === 'pod' ? leaf.podGross : leaf.frontendGross

/**
 * Batches without data are counted by their lines, which are the chain's: so every total is known before each batch, and
 * who withholds one hides only what is in it.
 *
 * @param batches     All batches of the router, from the first on, in order.
 * @param nowSeconds  The chain's time, Unix seconds.
 */
export function audit(batches: readonly AuditedBatch[], totals: ChainTotals, nowSeconds: number): Audit {
  const counts: Counts = { payers: new Map(), payees: new Map() }
  const found: Audit = {
    batches: batches.length,
    leaves: 0,
    gross: 0n,
    whole: true,
    notAudited: [],
    lies: [],
    overlaps: [],
  }
  for (const batch of batches) auditBatch(batch, nowSeconds, counts, found)
  compare(batches.at(-1)?.seq ?? 0n, counts, totals, found)
  return found
}

function auditBatch(batch: AuditedBatch, nowSeconds: number, counts: Counts, found: Audit): void {
  const { seq, absent, data, leaves } = batch
  const lie: Tell = (code, detail) => found.lies.push({ code, seq, detail })
  found.gross += batch.gross
  const inTime = absent?.forgotten && nowSeconds - absent.settledAt > KEEP_SECONDS
  if (absent && !inTime) lie('data.missing', 'the router serves no data')
  if (data && leaves) return auditLeaves(batch, data, leaves, counts, found, lie)
  if (data) lie('data.unreadable', 'no list of leaves')
  found.whole = false
  if (inTime) found.notAudited.push(seq)
  countLines(batch, counts)
}

/** A batch of which only the lines are known. */
function countLines({ charges, lines }: AuditedBatch, { payers, payees }: Counts): void {
  for (const [payer, charge] of charges) {
    payers.set(payer, { charged: (payers.get(payer)?.charged ?? 0n) + charge, count: undefined })
  }
  for (const role of AUDITED_ROLES) {
    for (const [id, amount] of lines[role]) {
      const key = `${role} ${id}`
      payees.set(key, { total: (payees.get(key)?.total ?? 0n) + amount, last: undefined })
    }
  }
}

function auditLeaves(
  batch: AuditedBatch,
  data: Uint8Array,
  leaves: readonly Leaf[],
  counts: Counts,
  found: Audit,
  lie: Tell,
): void {
  const dataHash = toHex(keccak(data))
  if (dataHash !== batch.dataHash)
    lie('data.hash_wrong', `the data hashes to ${dataHash}, not ${batch.dataHash}`)
  const { root } = merkleTree(leaves.map((leaf) => leafHash(leaf)))
  if (root !== batch.root) lie('root.wrong', `the leaves give root ${root}, not ${batch.root}`)
  found.leaves += leaves.length

  const charges = new Map<Address, bigint>()
  const lines = {
    node: new Map<number, bigint>(),
    pod: new Map<number, bigint>(),
    frontend: new Map<number, bigint>(),
  }
  let sum = 0n
  leaves.forEach((leaf, index) => {
    const price = priceOf(leaf, counts.payers, lie)
    if (price === undefined) return
    sum += price
    const payer = leaf.payer.toLowerCase() as Address
    charges.set(payer, (charges.get(payer) ?? 0n) + price)
    for (const role of AUDITED_ROLES) {
      lines[role].set(leaf[role], (lines[role].get(leaf[role]) ?? 0n) + price)
      auditPayee(role, leaf, price, { seq: batch.seq, index }, counts.payees, found, lie)
    }
  })
  if (sum !== batch.gross) lie('gross.differs', `the leaves charge ${sum}, the batch ${batch.gross}`)
  auditLines('payer', charges, batch.charges, lie)
  for (const role of AUDITED_ROLES) auditLines(role, lines[role], batch.lines[role], lie)
}

/** Holds what leaves add for each payer or payee to the lines of the batch. */
function auditLines<K extends Address | number>(
  role: AuditedRole | 'payer',
  listed: ReadonlyMap<K, bigint>,
  posted: ReadonlyMap<K, bigint>,
  lie: Tell,
): void {
  for (const id of new Set([...listed.keys(), ...posted.keys()])) {
    const [own, line] = [listed.get(id) ?? 0n, posted.get(id) ?? 0n]
    if (own !== line) lie('line.differs', `${role} ${id}: the leaves add ${own}, the batch ${line}`)
  }
}

/** What a leaf charges: its payer's total less the one before. */
function priceOf(leaf: Leaf, payers: Counts['payers'], lie: Tell): bigint | undefined {
  const payer = leaf.payer.toLowerCase() as Address
  const before = payers.get(payer) ?? { charged: 0n, count: 0n }
  payers.set(payer, { charged: leaf.charged, count: leaf.count })
  if (before.count !== undefined && leaf.count !== before.count + 1n) {
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
  payees: Counts['payees'],
  found: Audit,
  lie: Tell,
): void {
  const id = leaf[role]
  const key = `${role} ${id}`
  const gross = grossIn(leaf, role)
  const before = payees.get(key)
  payees.set(key, { total: before && before.total > gross ? before.total : gross, last: place })
  const total = before?.total ?? 0n
  const begins = gross - price
  if (begins === total) return
  const where = `${key}: (${begins}, ${gross}] after ${total}`
  if (begins > total) return lie('payee.gap', where)
  lie('payee.overlap', where)
  // A frontend 0 is nobody: nothing convicts for it.
  if (before?.last && id !== 0) found.overlaps.push({ role, id, a: before.last, b: place })
}

function compare(seq: bigint, { payers, payees }: Counts, totals: ChainTotals, found: Audit): void {
  const lie: Tell = (code, detail) => found.lies.push({ code, seq, detail })
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
