import type { Address, Hex } from 'viem'
import { createRooter } from './leaves.ts'
import { type Keccak, keccak } from './protocol/bytes.ts'
import type { Leaf } from './protocol/merkle.ts'

/**
 * Recomputes every total of a router from the batch data it published and the batches that the chain settled. Pure: what
 * the chain and the router say comes in, what does not fit comes out. Leaves come part by part and are not kept.
 */

export const AUDITED_ROLES = ['node', 'pod', 'frontend'] as const
export type AuditedRole = (typeof AUDITED_ROLES)[number]

/** One settled batch, by the chain's word. */
export interface AuditedBatch {
  seq: bigint
  root: Hex
  /** All charges of its lines, base units. */
  gross: bigint
  /** Lines of the transaction: what each payer was charged, by itself or by the float, in lower case. */
  charges: ReadonlyMap<Address, bigint>
  /** Lines of the transaction: what each payee's gross grew by. */
  lines: Record<AuditedRole, ReadonlyMap<number, bigint>>
}

/** Data of a batch that the router does not serve. */
export interface Absence {
  /** The second of the batch's block. */
  settledAt: number
  /** Whether the router says that its time is over. */
  forgotten: boolean
  /** Whether the router puts it off, or does not answer, however often it is asked: nobody heard that it is gone. */
  putOff: boolean
  /** What is not served. */
  detail: string
}

/** A batch whose leaves are read. */
export interface OpenBatch {
  /** The next of its leaves, in order. */
  add(leaves: readonly Leaf[]): void
  /** The router does not serve all of it, whether or not the auditor kept it: a lie, unless its time is over. */
  absent(what: Absence): void
  /** That were all its leaves. */
  close(): void
  /** There is no more of its leaves than that: it is counted by its lines, which are the chain's. */
  abandon(lie?: Pick<Lie, 'code' | 'detail'>): void
}

export interface Auditor {
  /** Begins with the router's next batch, from the first on. */
  open(batch: AuditedBatch): OpenBatch
  /** Whose totals are to be compared with the chain's. */
  payers(): Iterable<Address>
  payees(): Iterable<{ role: AuditedRole; id: number }>
  end(totals: ChainTotals): Audit
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
    | 'data.withheld'
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
  payers: Undoable<Address, PayerCount>
  payees: Undoable<string, PayeeCount>
}

/** A map that can forget what was set since its last mark. */
class Undoable<K, V> extends Map<K, V> {
  readonly #before = new Map<K, V | undefined>()

  override set(key: K, value: V): this {
    if (!this.#before.has(key)) this.#before.set(key, this.get(key))
    return super.set(key, value)
  }

  mark(): void {
    this.#before.clear()
  }

  undo(): void {
    for (const [key, value] of this.#before) {
      if (value === undefined) this.delete(key)
      else super.set(key, value)
    }
    this.#before.clear()
  }
}

type Tell = (code: Lie['code'], detail: string) => void

const grossIn = (leaf: Leaf, role: AuditedRole): bigint =>
  role === 'node' ? leaf.nodeGross : role === 'pod' ? leaf.podGross : leaf.frontendGross

/**
 * Batches without data are counted by their lines, which are the chain's: so every total is known before each batch, and
 * who withholds one, or a part of one, hides only what is in it.
 *
 * @param nowSeconds  The chain's time, Unix seconds.
 */
export function createAuditor(nowSeconds: number, hash: Keccak = keccak): Auditor {
  const counts: Counts = { payers: new Undoable(), payees: new Undoable() }
  const found: Audit = {
    batches: 0,
    leaves: 0,
    gross: 0n,
    whole: true,
    notAudited: [],
    lies: [],
    overlaps: [],
  }
  let last = 0n
  return {
    open(batch) {
      found.batches += 1
      found.gross += batch.gross
      last = batch.seq
      return openBatch(batch, nowSeconds, counts, found, hash)
    },
    payers: () => counts.payers.keys(),
    *payees() {
      for (const key of counts.payees.keys()) yield payeeOf(key)
    },
    end(totals) {
      compare(last, counts, totals, found)
      return found
    },
  }
}

function openBatch(
  batch: AuditedBatch,
  nowSeconds: number,
  counts: Counts,
  found: Audit,
  hash: Keccak,
): OpenBatch {
  const { seq } = batch
  const lie: Tell = (code, detail) => found.lies.push({ code, seq, detail })
  const rooter = createRooter(hash)
  const charges = new Map<Address, bigint>()
  const lines = {
    node: new Map<number, bigint>(),
    pod: new Map<number, bigint>(),
    frontend: new Map<number, bigint>(),
  }
  let [sum, index, inTime, told] = [0n, 0, false, false]
  counts.payers.mark()
  counts.payees.mark()

  function count(leaf: Leaf): void {
    const place = { seq, index }
    index += 1
    const price = priceOf(leaf, counts.payers, lie)
    if (price === undefined) return
    sum += price
    const payer = leaf.payer.toLowerCase() as Address
    charges.set(payer, (charges.get(payer) ?? 0n) + price)
    for (const role of AUDITED_ROLES) {
      lines[role].set(leaf[role], (lines[role].get(leaf[role]) ?? 0n) + price)
      auditPayee(role, leaf, price, place, counts.payees, found, lie)
    }
  }

  return {
    add(leaves) {
      rooter.add(leaves)
      for (const leaf of leaves) count(leaf)
    },
    absent({ settledAt, forgotten, putOff, detail }) {
      inTime = forgotten && nowSeconds - settledAt > KEEP_SECONDS
      if (!inTime && !told) lie(putOff ? 'data.withheld' : 'data.missing', detail)
      told = true
    },
    close() {
      const root = rooter.root()
      if (root !== batch.root) lie('root.wrong', `the leaves give root ${root}, not ${batch.root}`)
      found.leaves += index
      if (sum !== batch.gross) lie('gross.differs', `the leaves charge ${sum}, the batch ${batch.gross}`)
      auditLines('payer', charges, batch.charges, lie)
      for (const role of AUDITED_ROLES) auditLines(role, lines[role], batch.lines[role], lie)
    },
    abandon(why) {
      if (why) lie(why.code, why.detail)
      counts.payers.undo()
      counts.payees.undo()
      found.whole = false
      if (inTime) found.notAudited.push(seq)
      countLines(batch, counts)
    },
  }
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

function payeeOf(key: string): { role: AuditedRole; id: number } {
  const [role, id] = key.split(' ') as [AuditedRole, string]
  return { role, id: Number(id) }
}

function compare(seq: bigint, { payers, payees }: Counts, totals: ChainTotals, found: Audit): void {
  const lie: Tell = (code, detail) => found.lies.push({ code, seq, detail })
  for (const [key, { total }] of payees) {
    const { role, id } = payeeOf(key)
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
