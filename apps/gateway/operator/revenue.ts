import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'
import { EPOCH_SECONDS } from '../../../sdk/protocol/epochs.ts'
import { BPS } from '../../../sdk/protocol/split.ts'
import { formatUsd } from '../../../sdk/units.ts'
import type { Parameters } from '../parameters.ts'
import type { Store } from '../till/store.ts'
import { HOUSE } from '../till/till.ts'
import { X402 } from '../x402/call.ts'

const day = z.iso.date({ error: 'a day as YYYY-MM-DD' })
const schema = z.strictObject({
  by: z.enum(['day', 'key', 'day,key']).default('day'),
  from: day.optional(),
  to: day.optional(),
  format: z.enum(['json', 'csv']).default('json'),
})
export type RevenueQuery = z.output<typeof schema>
export const revenueParameters: Parameters<typeof schema> = {
  schema,
  honoured: ['by', 'from', 'to', 'format'],
  ignored: [],
  neutral: {},
  unsupported: [],
}

/** What calls brought and cost. Base units. */
export interface Sums {
  /** That are over, also those that failed and cost nothing. */
  calls: number
  /** What callers paid: accounts by their balance, wallets by x402. The operator's own keys and the free tier pay nothing. */
  revenue: bigint
  /** Paid by x402, answered, and not on the chain yet; not in `revenue`. */
  outstanding: bigint
  /** What the network charged this gateway. */
  cost: bigint
  /** What of the cost comes back: the frontend's share, once it is settled. */
  share: bigint
  /** revenue − cost + share. */
  margin: bigint
}

export interface RevenueRow extends Sums {
  day?: string
  /** An API key's id; `sponsor` is the free tier, `x402` who pays by wallet, `withheld` answers that could not be checked. */
  key?: string
  /** What its owner calls the key, and whose account it is of. */
  name?: string
  wallet?: string
}

interface Part {
  day: string | null
  key: string | null
  wallet: string | null
  epoch: number | null
  calls: number
  revenue: number
  outstanding: number
  cost: number
}

/** @throws `parameter.invalid` (refused) if the days end before they begin. */
export function spanOf({ from, to }: Pick<RevenueQuery, 'from' | 'to'>): { start: number; end: number } {
  if (from !== undefined && to !== undefined && to < from) {
    throw refused('parameter.invalid', `Invalid 'to': ${to} is before ${from}`, { field: 'to' })
  }
  return {
    start: from === undefined ? 0 : Date.parse(`${from}T00:00:00Z`),
    end: to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(`${to}T00:00:00Z`) + 86_400_000,
  }
}

/**
 * The closed calls of everybody by the day they began, days in UTC, both ends included; and their sum.
 *
 * Shares are floored on the running sum of the rows, as the ledger floors on cumulative totals: so rows add up to the share
 * of the whole, and none is a unit off.
 *
 * @param bpsIn  The frontend's share in an epoch, basis points.
 */
export async function revenueOf(
  db: Store,
  query: Pick<RevenueQuery, 'by' | 'from' | 'to'>,
  bpsIn: (epoch: number) => Promise<number>,
): Promise<{ rows: RevenueRow[]; total: Sums }> {
  const parts = partsOf(db, query)
  const epochs = [
    ...new Set(parts.flatMap(({ epoch, cost }) => (epoch === null || cost === 0 ? [] : [epoch]))),
  ]
  const bps = new Map(await Promise.all(epochs.map(async (epoch) => [epoch, await bpsIn(epoch)] as const)))
  const names = namesOf(db)
  const rows: RevenueRow[] = []
  /** Of cost times share, over all rows so far; not yet divided. */
  let running = 0n
  for (const group of groupsOf(parts)) {
    const before = running / BPS
    for (const { epoch, cost } of group) running += BigInt(cost) * BigInt(bps.get(epoch ?? 0) ?? 0)
    rows.push({ ...whoOf(group[0], names), ...sumsOf(group, running / BPS - before) })
  }
  return { rows, total: totalOf(rows) }
}

/** @source till/till.ts (calls), x402/books.ts (payments) */
function partsOf(db: Store, query: Pick<RevenueQuery, 'by' | 'from' | 'to'>): Part[] {
  const { start, end } = spanOf(query)
  const dayIn = query.by === 'key' ? 'NULL' : "strftime('%Y-%m-%d', opened / 1000, 'unixepoch')"
  const byKey = query.by !== 'day'
  return db
    .prepare(
      `SELECT ${dayIn} AS day, ${byKey ? 'key' : 'NULL'} AS key, ${byKey ? 'wallet' : 'NULL'} AS wallet,
         closed / ${1_000 * EPOCH_SECONDS} AS epoch, count(*) AS calls,
         sum(CASE WHEN wallet = ? THEN 0 ELSE price END) AS revenue, 0 AS outstanding, sum(price) AS cost
       FROM calls WHERE closed IS NOT NULL AND opened >= ? AND opened < ? GROUP BY 1, 2, 3, 4
       UNION ALL
       SELECT ${dayIn}, ${byKey ? `'${X402}'` : 'NULL'}, ${byKey ? `'${HOUSE}'` : 'NULL'}, NULL, 0,
         sum(CASE WHEN state = 'settled' THEN amount ELSE 0 END), sum(CASE WHEN state = 'due' THEN amount ELSE 0 END), 0
       FROM payments WHERE state IN ('settled', 'due') AND opened >= ? AND opened < ? GROUP BY 1
       ORDER BY 1, 2, 3, 4`,
    )
    .all([HOUSE, start, end, start, end]) as Part[]
}

/** Neighbours that are of one row. */
function groupsOf(parts: readonly Part[]): Part[][] {
  const groups = new Map<string, Part[]>()
  for (const part of parts) {
    const name = JSON.stringify([part.day, part.key, part.wallet])
    groups.set(name, [...(groups.get(name) ?? []), part])
  }
  return [...groups.values()]
}

const namesOf = (db: Store): ReadonlyMap<string, string> =>
  new Map(
    (db.prepare('SELECT id, name FROM keys').all([]) as { id: string; name: string }[]).map(
      ({ id, name }) => [id, name],
    ),
  )

function whoOf(part: Part | undefined, names: ReadonlyMap<string, string>): Partial<RevenueRow> {
  const name = names.get(part?.key ?? '')
  return {
    ...(part?.day == null ? {} : { day: part.day }),
    ...(part?.key == null ? {} : { key: part.key }),
    ...(name === undefined ? {} : { name }),
    ...(part?.wallet == null ? {} : { wallet: part.wallet }),
  }
}

function sumsOf(parts: readonly Part[], share: bigint): Sums {
  const sum = (field: 'calls' | 'revenue' | 'outstanding' | 'cost') =>
    parts.reduce((total, part) => total + part[field], 0)
  const [revenue, cost] = [BigInt(sum('revenue')), BigInt(sum('cost'))]
  const outstanding = BigInt(sum('outstanding'))
  return { calls: sum('calls'), revenue, outstanding, cost, share, margin: revenue - cost + share }
}

function totalOf(rows: readonly Sums[]): Sums {
  const sum = (field: Exclude<keyof Sums, 'calls'>) => rows.reduce((total, row) => total + row[field], 0n)
  return {
    calls: rows.reduce((total, { calls }) => total + calls, 0),
    revenue: sum('revenue'),
    outstanding: sum('outstanding'),
    cost: sum('cost'),
    share: sum('share'),
    margin: sum('margin'),
  }
}

/** Dollars as text, in the order of the columns. */
export const sumsInDollars = ({ calls, revenue, outstanding, cost, share, margin }: Sums) => ({
  calls,
  revenue: formatUsd(revenue),
  outstanding: formatUsd(outstanding),
  cost: formatUsd(cost),
  share: formatUsd(share),
  margin: formatUsd(margin),
})

/** One line per row and one for the names. What people call their keys is not in it: a spreadsheet would run it. */
export function revenueCsv(by: RevenueQuery['by'], rows: readonly RevenueRow[]): string {
  const who = { day: ['day'], key: ['key', 'wallet'], 'day,key': ['day', 'key', 'wallet'] } as const
  const columns = who[by]
  const lines = rows.map((row) => [
    ...columns.map((column) => row[column] ?? ''),
    ...Object.values(sumsInDollars(row)),
  ])
  const names = [...columns, 'calls', 'revenue_usd', 'outstanding_usd', 'cost_usd', 'share_usd', 'margin_usd']
  return [names, ...lines].map((cells) => `${cells.join(',')}\r\n`).join('')
}
