import { z } from 'zod'
import type { Store } from '../till/store.ts'

const day = z.iso.date('a day as YYYY-MM-DD')
export const usageQuery = z.strictObject({
  by: z.enum(['day', 'key', 'pod']).default('day'),
  from: day.optional(),
  to: day.optional(),
  format: z.enum(['json', 'csv', 'svg']).default('json'),
})
export type UsageQuery = z.output<typeof usageQuery>

/** What calls came to. Base units; `name` is a day, a key's id or a pod. Open calls are not in it. */
export interface UsageRow {
  name: string
  calls: number
  unitsIn: number
  unitsOut: number
  price: bigint
}

const GROUPS = { day: "strftime('%Y-%m-%d', opened / 1000, 'unixepoch')", key: 'key', pod: 'pod' } as const

/** The closed calls of an account, days in UTC, both ends included. */
export function usageOf(db: Store, wallet: string, { by, from, to }: UsageQuery): UsageRow[] {
  const start = from === undefined ? 0 : Date.parse(`${from}T00:00:00Z`)
  const end = to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(`${to}T00:00:00Z`) + 86_400_000
  const rows = db
    .prepare(
      `SELECT ${GROUPS[by]} AS name, count(*) AS calls, sum(units_in) AS unitsIn, sum(units_out) AS unitsOut,
         sum(price) AS price
       FROM calls WHERE wallet = ? AND closed IS NOT NULL AND opened >= ? AND opened < ? GROUP BY 1 ORDER BY 1`,
    )
    .all([wallet, start, end]) as (Omit<UsageRow, 'price'> & { price: number })[]
  return rows.map((row) => ({ ...row, price: BigInt(row.price) }))
}

/** Comma-separated, one line per row and one for the names. Names hold no comma. */
export const usageCsv = (
  by: UsageQuery['by'],
  rows: readonly UsageRow[],
  dollars: (amount: bigint) => string,
): string =>
  [
    `${by},calls,units_in,units_out,usd`,
    ...rows.map(
      ({ name, calls, unitsIn, unitsOut, price }) =>
        `${name},${calls},${unitsIn},${unitsOut},${dollars(price)}`,
    ),
    '',
  ].join('\r\n')
