import type { Address } from 'viem'
import {
  AUDITED_ROLES,
  type Audit,
  type AuditedBatch,
  type AuditedRole,
  type ChainTotals,
  type Lie,
  type Place,
} from './audit.ts'
import type { Leaf } from './protocol/merkle.ts'

/** The running totals of an audit: of whom the chain's lines name, so that no router can make an auditor keep more. */

/** As many as a batch has of one kind. */
export const MOST_LINES = 65_535

/** Of a payer; how many calls it made is not known after a batch without data. */
interface PayerCount {
  charged: bigint
  count: bigint | undefined
}

/** Of a payee; the last leaf is not known after a batch without data. */
interface PayeeCount {
  total: bigint
  /** Where the leaf stands that ends there, and from where it counts. */
  last: { place: Place; from: bigint } | undefined
}

export interface Counts {
  payers: Undoable<Address, PayerCount>
  payees: Undoable<string, PayeeCount>
  /** Batches whose lines are not known: who of theirs was paid by the float is not known either. */
  unread: number
  /** Whom leaves of those batches name: nobody pays for a line for each. */
  unnamed: number
  /** Neither lines nor leaves of a batch are known, or too many batches have no lines: no total after them is. */
  isLost: boolean
}

/** As many as one batch without lines can name. */
const MOST_UNNAMED = 4 * MOST_LINES

/** Counts whom the leaves of a batch without lines name. Beyond what is kept of such, no total is known any more. */
export function countUnnamed(counts: Counts, named: number): void {
  counts.unnamed += named
  if (counts.unnamed > MOST_UNNAMED) lose(counts)
}

/** From now on no total is known. */
export function lose(counts: Counts): void {
  counts.isLost = true
  counts.payers.clear()
  counts.payees.clear()
}

/** Totals that are read and raised. */
type Totals<K, V> = Pick<Map<K, V>, 'get' | 'set'>

/** A map that can forget what was set since its last mark. */
export class Undoable<K, V> extends Map<K, V> {
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

/** @returns whether it was written down: of a million of one kind the first hundred are. */
export type Tell = (code: Lie['code'], detail: string) => boolean

const MOST_TOLD = 100
/** Of so many lies in all, the first of each kind in a batch is told from then on. */
const MOST_LIES = 10_000

/** Tells lies about one batch. `rest` says how many more there were. */
export function createTeller(seq: bigint, lies: Lie[]): { tell: Tell; rest(): void } {
  const told = new Map<Lie['code'], number>()
  const most = lies.length < MOST_LIES ? MOST_TOLD : 1
  return {
    tell(code, detail) {
      const count = (told.get(code) ?? 0) + 1
      told.set(code, count)
      if (count <= most) lies.push({ code, seq, detail })
      return count <= most
    },
    rest() {
      for (const [code, count] of told)
        if (count > most) lies.push({ code, seq, detail: `and ${count - most} more like these` })
      told.clear()
    },
  }
}

/** A batch of which only the lines are known. */
export function countLines({ charges, lines }: AuditedBatch, { payers, payees }: Counts): void {
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

/** What a leaf charges: its payer's total less the one before. */
export function priceOf(
  leaf: Leaf,
  payer: Address,
  payers: Totals<Address, PayerCount>,
  tell: Tell,
): bigint | undefined {
  const before = payers.get(payer) ?? { charged: 0n, count: 0n }
  payers.set(payer, { charged: leaf.charged, count: leaf.count })
  if (before.count !== undefined && leaf.count !== before.count + 1n) {
    tell('count.wrong', `${payer}: call ${leaf.count} follows call ${before.count}`)
  }
  if (leaf.charged < before.charged) {
    tell('charge.falls', `${payer}: ${leaf.charged} charged in all after ${before.charged}`)
    return undefined
  }
  return leaf.charged - before.charged
}

const grossIn = (leaf: Leaf, role: AuditedRole): bigint =>
  role === 'node' ? leaf.nodeGross : role === 'pod' ? leaf.podGross : leaf.frontendGross

/** A payee's total goes on with what a call cost, from where the call before it ended. */
export function auditPayee(
  role: AuditedRole,
  leaf: Leaf,
  { price, place }: { price: bigint; place: Place },
  payees: Totals<string, PayeeCount>,
  { found, tell }: { found: Audit; tell: Tell },
): void {
  const id = leaf[role]
  const key = `${role} ${id}`
  const gross = grossIn(leaf, role)
  const before = payees.get(key)
  const total = before?.total ?? 0n
  const begins = gross - price
  if (!before || gross >= total) payees.set(key, { total: gross, last: { place, from: begins } })
  if (begins === total) return
  const where = `${key}: (${begins}, ${gross}] after ${total}`
  if (begins > total) return void tell('payee.gap', where)
  const isTold = tell('payee.overlap', where)
  const last = before?.last
  // A frontend 0 is nobody: nothing convicts for it. A call that cost nothing takes of no part.
  if (isTold && last && id !== 0 && price > 0n && gross > last.from)
    found.overlaps.push({ role, id, a: last.place, b: place })
}

export function payeeOf(key: string): { role: AuditedRole; id: number } {
  const [role, id] = key.split(' ') as [AuditedRole, string]
  return { role, id: Number(id) }
}

/** Holds the sums to what the chain counts of this router after the last of its batches. */
export function compare({ payers, payees, unread }: Counts, totals: ChainTotals, tell: Tell): void {
  for (const [key, { total }] of payees) {
    const { role, id } = payeeOf(key)
    const posted = totals.grossOf(role, id) - totals.paidOnceOf(role, id)
    if (posted !== total) tell('total.differs', `${key}: the leaves come to ${total}, the chain to ${posted}`)
  }
  for (const [payer, { charged }] of payers) {
    const owed = charged - totals.skippedOf(payer)
    const spent = totals.spentOf(payer)
    if (unread > 0 ? spent > owed : owed !== spent)
      tell('spent.differs', `${payer}: the leaves charge ${owed}, the chain debited ${spent}`)
  }
}
