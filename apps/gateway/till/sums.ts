import type { Store } from './store.ts'

/** For how long a call counts under its other names, from start to start. */
const COUNTED_MS = 40 * 86_400_000

/** In base units. */
export interface Totals {
  deposited: bigint
  charged: bigint
  held: bigint
}

/** Where a call counts: its account, its key, and other names. */
export interface Counted {
  wallet: string
  key: string
  /** Names without a space. */
  counted?: readonly string[]
}

/** What the books add up to, in memory. */
export interface Sums {
  wallet(name: string): Totals
  key(name: string): Totals
  /** Asking makes no entry: anybody may ask under any name. */
  named(name: string): Totals | undefined
  hold(call: Counted, amount: bigint): void
  /** The hold ends, the price is charged. */
  charge(call: Counted, held: bigint, price: bigint): void
}

/** @param now  Unix milliseconds. */
export function sumsOf(db: Store, now: number): Sums {
  const wallets = grouped(db, 'wallet')
  const keys = grouped(db, 'key')
  const names = counted(db, now - COUNTED_MS)
  const deposits = db.prepare('SELECT wallet, sum(amount) AS amount FROM deposits GROUP BY wallet').all([])
  for (const { wallet, amount } of deposits as { wallet: string; amount: number }[]) {
    totalsOf(wallets, wallet).deposited = BigInt(amount)
  }
  const totalsFor = (call: Counted): Totals[] => [
    totalsOf(wallets, call.wallet),
    totalsOf(keys, call.key),
    ...(call.counted ?? []).map((name) => totalsOf(names, name)),
  ]
  const hold = (call: Counted, amount: bigint) => {
    for (const totals of totalsFor(call)) totals.held += amount
  }
  return {
    wallet: (name) => totalsOf(wallets, name),
    key: (name) => totalsOf(keys, name),
    named: (name) => names.get(name),
    hold,
    charge(call, held, price) {
      hold(call, -held)
      for (const totals of totalsFor(call)) totals.charged += price
    },
  }
}

/** Of an account or a key, since ever. */
function grouped(db: Store, column: 'wallet' | 'key'): Map<string, Totals> {
  const rows = db
    .prepare(
      `SELECT ${column} AS name, sum(coalesce(price, 0)) AS charged, sum(CASE WHEN closed IS NULL THEN hold ELSE 0 END) AS held
       FROM calls GROUP BY ${column}`,
    )
    .all([]) as { name: string; charged: number; held: number }[]
  return new Map(
    rows.map(({ name, charged, held }) => [
      name,
      { deposited: 0n, charged: BigInt(charged), held: BigInt(held) },
    ]),
  )
}

/** Of all other names, since then. */
function counted(db: Store, since: number): Map<string, Totals> {
  const names = new Map<string, Totals>()
  const rows = db
    .prepare(
      'SELECT counted, coalesce(price, 0) AS charged, CASE WHEN closed IS NULL THEN hold ELSE 0 END AS held FROM calls WHERE counted IS NOT NULL AND opened >= ?',
    )
    .iterate([since]) as Iterable<{ counted: string; charged: number; held: number }>
  for (const row of rows) {
    for (const totals of row.counted.split(' ').map((name) => totalsOf(names, name))) {
      totals.charged += BigInt(row.charged)
      totals.held += BigInt(row.held)
    }
  }
  return names
}

function totalsOf(all: Map<string, Totals>, name: string): Totals {
  const known = all.get(name)
  if (known !== undefined) return known
  const fresh = { deposited: 0n, charged: 0n, held: 0n }
  all.set(name, fresh)
  return fresh
}
