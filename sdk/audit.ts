import type { Address, Hex } from 'viem'
import {
  auditPayee,
  type Counts,
  compare,
  countLines,
  countUnnamed,
  createTeller,
  lose,
  MOST_LINES,
  payeeOf,
  priceOf,
  type Tell,
  Undoable,
} from './audit-counts.ts'
import { createRooter } from './leaves.ts'
import { type Keccak, keccak } from './protocol/bytes.ts'
import type { Leaf } from './protocol/merkle.ts'
import { createSeen, type Seen } from './seen.ts'

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

/** A settled batch whose transaction does not show it: nobody but the router knows its lines. */
export interface UnreadBatch extends Pick<AuditedBatch, 'seq' | 'root' | 'gross'> {
  /** Why. */
  unread: string
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
  open(batch: AuditedBatch | UnreadBatch): OpenBatch
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
    | 'batch.unreadable'
    | 'data.missing'
    | 'data.withheld'
    | 'data.unreadable'
    | 'data.hash_wrong'
    | 'root.wrong'
    | 'leaf.twice'
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
  /** Of one kind in one batch a hundred are told, and how many more there are. */
  lies: Lie[]
  /** Of the overlaps that are told. */
  overlaps: Overlap[]
}

/**
 * Batches without data are counted by their lines, which are the chain's: so every total is known before each batch, and
 * who withholds one, or a part of one, hides only what is in it.
 *
 * @param nowSeconds  The chain's time, Unix seconds.
 */
export function createAuditor(nowSeconds: number, hash: Keccak = keccak): Auditor {
  const counts: Counts = {
    payers: new Undoable(),
    payees: new Undoable(),
    unread: 0,
    unnamed: 0,
    isLost: false,
  }
  const seen = createSeen(hash)
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
      return openBatch(batch, { nowSeconds, counts, found, hash, seen })
    },
    payers: () => counts.payers.keys(),
    *payees() {
      for (const key of counts.payees.keys()) yield payeeOf(key)
    },
    end(totals) {
      const { tell, rest } = createTeller(last, found.lies)
      if (!counts.isLost) compare(counts, totals, tell)
      rest()
      return found
    },
  }
}

interface Books {
  nowSeconds: number
  counts: Counts
  found: Audit
  hash: Keccak
  seen: Seen
}

function openBatch(
  batch: AuditedBatch | UnreadBatch,
  { nowSeconds, counts, found, hash, seen }: Books,
): OpenBatch {
  const { seq } = batch
  const { tell, rest } = createTeller(seq, found.lies)
  const rooter = createRooter(hash)
  const sums = createSums('unread' in batch ? undefined : batch)
  let [sum, index, inTime, told] = [0n, 0, false, false]
  counts.payers.mark()
  counts.payees.mark()
  if ('unread' in batch) {
    counts.unread += 1
    tell('batch.unreadable', batch.unread)
  }

  function count(leaf: Leaf): void {
    const place = { seq, index }
    index += 1
    if (seen(leaf.request)) tell('leaf.twice', `call ${leaf.request} is listed again, as leaf ${place.index}`)
    if (counts.isLost) return
    const payer = leaf.payer.toLowerCase() as Address
    const price = priceOf(
      leaf,
      payer,
      sums.isNamed('payer', payer) ? counts.payers : still(counts.payers),
      tell,
    )
    if (price === undefined) return
    sum += price
    sums.add('payer', payer, price, tell)
    for (const role of AUDITED_ROLES) {
      const payees = sums.isNamed(role, leaf[role]) ? counts.payees : still(counts.payees)
      sums.add(role, leaf[role], price, tell)
      auditPayee(role, leaf, { price, place }, payees, { found, tell })
    }
  }

  return {
    add(leaves) {
      rooter.add(leaves)
      for (const leaf of leaves) count(leaf)
    },
    absent({ settledAt, forgotten, putOff, detail }) {
      inTime = forgotten && nowSeconds - settledAt > KEEP_SECONDS
      if (!inTime && !told) tell(putOff ? 'data.withheld' : 'data.missing', detail)
      told = true
    },
    close() {
      const root = rooter.root()
      if (root !== batch.root) tell('root.wrong', `the leaves give root ${root}, not ${batch.root}`)
      found.leaves += index
      if (!counts.isLost) {
        if (sum !== batch.gross) tell('gross.differs', `the leaves charge ${sum}, the batch ${batch.gross}`)
        sums.compare(tell)
        if ('unread' in batch) countUnnamed(counts, sums.named())
      }
      rest()
    },
    abandon(why) {
      if (why) tell(why.code, why.detail)
      rest()
      counts.payers.undo()
      counts.payees.undo()
      found.whole = false
      if (inTime) found.notAudited.push(seq)
      if ('unread' in batch) lose(counts)
      else countLines(batch, counts)
    },
  }
}

/** Totals as they are: what a leaf says of somebody whom no line names is told, and not kept. */
const still = <K, V>(totals: Undoable<K, V>): Pick<Map<K, V>, 'get' | 'set'> => {
  const same: Pick<Map<K, V>, 'get' | 'set'> = { get: (key) => totals.get(key), set: () => same as Map<K, V> }
  return same
}

type Party = AuditedRole | 'payer'

/** What the leaves of a batch add for each whom its lines name. Without lines as many are as a batch can name. */
function createSums(batch: AuditedBatch | undefined) {
  const posted = batch && { payer: batch.charges, ...batch.lines }
  const listed = {
    payer: new Map<Address | number, bigint>(),
    node: new Map<Address | number, bigint>(),
    pod: new Map<Address | number, bigint>(),
    frontend: new Map<Address | number, bigint>(),
  }
  const linesOf = (party: Party) => posted?.[party] as ReadonlyMap<Address | number, bigint> | undefined
  const isNamed = (party: Party, id: Address | number) =>
    linesOf(party)?.has(id) ?? (listed[party].has(id) || listed[party].size < MOST_LINES)
  return {
    isNamed,
    add(party: Party, id: Address | number, price: bigint, tell: Tell): void {
      if (isNamed(party, id)) listed[party].set(id, (listed[party].get(id) ?? 0n) + price)
      else if (price > 0n) tell('line.differs', `${party} ${id}: a leaf adds ${price}, the batch nothing`)
    },
    named: () => Object.values(listed).reduce((sum, { size }) => sum + size, 0),
    /** Holds them to the lines. */
    compare(tell: Tell): void {
      for (const party of ['payer', ...AUDITED_ROLES] as const) {
        for (const [id, line] of linesOf(party) ?? []) {
          const own = listed[party].get(id) ?? 0n
          if (own !== line) tell('line.differs', `${party} ${id}: the leaves add ${own}, the batch ${line}`)
        }
      }
    },
  }
}
