import { z } from 'zod'
import { addressSchema } from '../../sdk/protocol/wire.ts'

const count = z.number().int().positive()
const amount = z
  .string()
  .regex(/^\d{1,30}$/)
  .transform(BigInt)

/** The prober: a payer like any other, whose calls show which nodes answer. */
const probeSchema = z.strictObject({
  /** Reference pods: each staked node is asked for one of them, drawn anew each time. */
  pods: z.array(z.strictObject({ name: z.string(), kind: z.enum(['chat', 'image']) })).min(1),
  /**
   * Key files of the accounts that pay for the probes. A node sees who pays: fresh keys, funded like anybody's and
   * changed often, are what keeps it from serving its prober alone.
   */
  payers: z.array(z.string()).min(1),
  /** How often a node is asked in one epoch, on average. */
  perEpoch: count.default(48),
  /** The most one probe may cost, base units of the asset. */
  mostPrice: amount.default(50_000n),
})
export type ProbeConfig = z.output<typeof probeSchema>

/** The buyer: anyone may be one. HEU of the keeper's own account. */
const buySchema = z.strictObject({
  /** The most it pays, wei of HEU per whole unit of the asset. */
  mostPrice: amount,
  /**
   * The most it pays in parts of the median of the last eight sales, basis points: the lower of the two counts. A price
   * named once is too much as soon as HEU is worth more; the median follows it.
   */
  mostOverMedianBps: count.default(12_000),
})
export type BuyConfig = z.output<typeof buySchema>

export const keeperConfigSchema = z.strictObject({
  rpcUrl: z.string(),
  chainId: count,
  ledger: addressSchema,
  /** Pays the gas; with `probe` it holds the role PROBER. */
  keyFile: z.string(),
  /** Routers whose settlements are counted. The first one carries the probes. */
  routers: z.array(z.strictObject({ url: z.string(), address: addressSchema })).min(1),
  dataDir: z.string(),
  host: z.string().default('127.0.0.1'),
  /** Where the probe logs and the leaves of the reports are published. */
  port: z.number().int().min(0).max(65_535),
  /** How often the chain is looked at. Milliseconds. */
  pollMs: count.default(60_000),
  probe: z.exactOptional(probeSchema),
  buy: z.exactOptional(buySchema),
})
export type KeeperConfig = z.output<typeof keeperConfigSchema>
