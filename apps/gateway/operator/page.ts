import { z } from 'zod'

const dollars = z.string().regex(/^-?\d+\.\d{6}$/)
const day = z.iso.date()

const sums = {
  calls: z.int().nonnegative(),
  revenue: dollars,
  outstanding: dollars,
  cost: dollars,
  share: dollars,
  margin: dollars,
}
/** `name` is what its owner calls the key; the free tier and x402 have none. */
const who = { key: z.string(), name: z.string().nullable(), wallet: z.string().nullable() }

const pageBy = <B extends string, R extends z.ZodRawShape>(by: B, row: R) =>
  z.strictObject({
    frontend: z.int().nonnegative(),
    by: z.literal(by),
    from: day.nullable(),
    to: day.nullable(),
    rows: z.array(z.strictObject({ ...row, ...sums })),
    total: z.strictObject(sums),
  })

/** What `GET /v1/operator/revenue` answers in JSON. */
export const revenuePage = z.union([
  pageBy('day', { day }),
  pageBy('key', who),
  pageBy('day,key', { day, ...who }),
])
