import type { Address } from 'viem'
import { HEADER_BYTES, PAYEE_LINE_BYTES, PAYER_LINE_BYTES } from '../../sdk/protocol/batch.ts'
import type { Gross, UnpostedLeaf } from '../router/ledger/ledger.ts'

/** What waits for one payee, base units, and since when, Unix ms. */
export interface WaitingPayee extends Gross {
  oldestAt: number
}

/** What is in no batch yet. */
export interface Waiting {
  leaves: number
  gross: bigint
  /** Unix ms; 0 if nothing waits. */
  oldestAt: number
  payers: number
  payees: ReadonlyMap<string, WaitingPayee>
}

export const NOTHING: Waiting = { leaves: 0, gross: 0n, oldestAt: 0, payers: 0, payees: new Map() }

/** Gas of a batch by the bars that its contract is held to: fixed, per payer line, per payee line; plus its bytes. */
export function gasOf({ payers, payees }: Pick<Waiting, 'payers' | 'payees'>): bigint {
  const [payerLines, payeeLines] = [BigInt(payers), BigInt(payees.size)]
  const bytes =
    BigInt(HEADER_BYTES) + payerLines * BigInt(PAYER_LINE_BYTES) + payeeLines * BigInt(PAYEE_LINE_BYTES)
  return 80_000n + 12_000n * payerLines + 6_000n * payeeLines + 16n * bytes
}

/** Counts what waits, one leaf at a time: the journal of a busy router is not read again at every look. */
export interface Tally {
  /** Number of the last leaf that was counted. */
  readonly last: number
  add(leaves: readonly UnpostedLeaf[]): void
  /** Leaves up to this one went into a batch. Pauses often. */
  drop(upTo: number): Generator<void, void>
  now(): Waiting
}

/** One payer, or one payee with what waits for it. */
interface Line {
  waits: WaitingPayee | undefined
  /** Its newest leaf. */
  last: number
}

const ROLES = ['node', 'pod', 'frontend'] as const
/** Lines that a leaf adds to: its payer and its three payees. */
const LINES = 4
/** Leaves that are dropped without a pause. */
const PAUSE = 5_000

/** What is counted of each leaf takes some fifty bytes: a million may wait. Leaves are numbered without a gap. */
export function createTally(last: number): Tally {
  const lines: Line[] = []
  const free: number[] = []
  const payers = new Map<Address, number>()
  const numbers = new Map<string, number>()
  const payees = new Map<string, WaitingPayee>()
  let rows = createRows(1_024)
  let gross = 0n
  let counted = last
  /** The leaf in row 0. */
  let first = last + 1
  const size = () => counted - first + 1

  function begin<K extends string>(names: Map<K, number>, name: K, waits: WaitingPayee | undefined): number {
    const number = free.pop() ?? lines.length
    lines[number] = { waits, last: 0 }
    names.set(name, number)
    return number
  }

  function payeeLine(role: Gross['role'], id: number, at: number): number {
    const name = `${role} ${id}`
    const known = numbers.get(name)
    if (known !== undefined) return known
    const waits = { role, id, gross: 0n, oldestAt: at }
    payees.set(name, waits)
    return begin(numbers, name, waits)
  }

  function count({ leaf, at, price, body }: UnpostedLeaf): void {
    if (size() === rows.at.length) rows = grown(rows, 2 * size())
    const row = leaf - first
    counted = leaf
    gross += price
    rows.at[row] = at
    rows.price[row] = price
    const own = [
      payers.get(body.payer) ?? begin(payers, body.payer, undefined),
      ...ROLES.map((role) => payeeLine(role, body[role], at)),
    ]
    for (const [place, number] of own.entries()) {
      const line = lines[number] as Line
      if (line.last >= first) rows.next[LINES * (line.last - first) + place] = leaf
      line.last = leaf
      if (line.waits) line.waits.gross += price
      rows.line[LINES * row + place] = number
      rows.next[LINES * row + place] = 0
    }
  }

  function dropRow(row: number): void {
    const price = rows.price[row] ?? 0n
    gross -= price
    for (let at = LINES * row; at < LINES * (row + 1); at += 1) {
      const number = rows.line[at] ?? 0
      const next = rows.next[at] ?? 0
      const { waits } = lines[number] as Line
      if (waits) waits.gross -= price
      if (next !== 0 && waits) waits.oldestAt = rows.at[next - first] ?? 0
      if (next === 0) end(number, waits)
    }
  }

  function end(number: number, waits: WaitingPayee | undefined): void {
    free.push(number)
    if (!waits) return
    payees.delete(`${waits.role} ${waits.id}`)
    numbers.delete(`${waits.role} ${waits.id}`)
  }

  return {
    get last() {
      return counted
    },
    add(leaves) {
      for (const leaf of leaves) if (leaf.leaf > counted) count(leaf)
    },
    *drop(upTo) {
      const gone = Math.max(0, Math.min(upTo, counted) - first + 1)
      for (let row = 0; row < gone; row += 1) {
        dropRow(row)
        if (row % PAUSE === 0) yield
      }
      for (const [payer, number] of payers)
        if ((lines[number]?.last ?? 0) < first + gone) payers.delete(payer)
      rows = grown(rows, Math.max(1_024, size() - gone), gone)
      first += gone
    },
    now: () => ({
      leaves: size(),
      gross,
      oldestAt: size() === 0 ? 0 : (rows.at[0] ?? 0),
      payers: payers.size,
      payees,
    }),
  }
}

/** Columns of what is counted of each leaf. */
interface Rows {
  at: Float64Array
  /** Base units: no batch takes a price beyond 2^48. */
  price: BigUint64Array
  /** Four lines of each leaf, and the next leaf of each of them; 0 = none yet. */
  line: Uint32Array
  next: Uint32Array
}

const createRows = (size: number): Rows => ({
  at: new Float64Array(size),
  price: new BigUint64Array(size),
  line: new Uint32Array(LINES * size),
  next: new Uint32Array(LINES * size),
})

/** The rows from `from` on, with room for `size`. */
function grown(rows: Rows, size: number, from = 0): Rows {
  const other = createRows(size)
  other.at.set(rows.at.subarray(from, from + size))
  other.price.set(rows.price.subarray(from, from + size))
  other.line.set(rows.line.subarray(LINES * from, LINES * (from + size)))
  other.next.set(rows.next.subarray(LINES * from, LINES * (from + size)))
  return other
}
