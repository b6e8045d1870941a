import { z } from 'zod'
import { MOST_LEAVES, MOST_PARTS, PART_LEAVES } from '../../sdk/protocol/data.ts'
import { addressSchema } from '../../sdk/protocol/wire.ts'

const count = z.number().int().positive()

/** Bounds of one router. Milliseconds and bytes; each default with its reason. */
export const limitsSchema = z.strictObject({
  /** Calls of one payer that are queued or running: one client cannot fill the house. */
  jobsPerPayer: count.default(64),
  /** Queued calls per pod: this many, or four per slot if that is more. */
  queuePerPod: count.default(64),
  /** Input and output bytes of all live calls together. */
  liveBytes: count.default(256 * 1024 * 1024),
  /** The longest a call waits for a slot, whatever its deadline. */
  queueMs: count.default(60_000),
  /** How long a worker's work is waited for after a restart of the router. */
  leaseMs: count.default(15_000),
  heartbeatMs: count.default(5_000),
  /** Output bytes that a worker may be ahead of its client. */
  windowBytes: count.default(64 * 1024),
  /** After a lost link: how long a delivered answer waits for its receipt. */
  resumeMs: count.default(3_000),
  /** Failures in a row before a node gets no work, and for how long at first. */
  ejectAfter: count.default(3),
  ejectMs: count.default(30_000),
  /** Loading time of a pod that nobody has loaded yet. */
  loadMs: count.default(5_000),
  /** A client that reads nothing for so long has left. */
  stalledClientMs: count.default(30_000),
  keepAliveMs: count.default(10_000),
  /** How long outputs can be fetched again. */
  outputsMs: count.default(24 * 3_600_000),
  /** How long a stopping router waits for running calls. */
  stopMs: count.default(10_000),
  /** How long a new link has to answer the challenge. */
  challengeMs: count.default(10_000),
  /** How often the chain is asked what changed. */
  chainPollMs: count.default(500),
})
export type Limits = z.output<typeof limitsSchema>

const wei = z
  .string()
  .regex(/^\d{1,30}$/)
  .transform(BigInt)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const settleSchema = z
  .strictObject({
    /** Age of the oldest receipt at which a batch that is worth its gas is posted. */
    maxAgeMs: count.default(HOUR_MS),
    /** A batch is worth its gas when its gross is so many times as much. */
    worthGas: count.default(10),
    /** What 1e18 wei of the chain's base token cost, base units of the asset. 0: gas is as good as free. */
    gasTokenPrice: wei.default(0n),
    /** A payee with so much unposted gross is large, base units: it waits `largeMs` at most. */
    largePayee: wei.default(1_000_000n),
    /** Half an hour less than the four hours that it may take. */
    largeMs: count.default(3.5 * HOUR_MS),
    /** Two hours less than the day that everyone waits at most. */
    dailyMs: count.default(22 * HOUR_MS),
    /** A voucher that expires this soon forces its receipts out. */
    expiryMs: count.default(12 * HOUR_MS),
    /** Part of a node's cover that its unposted work may fill before it is posted: at the whole, nodes stop serving. */
    coverBps: count.max(10_000).default(5_000),
    /** Receipts at which a batch is posted, and the most in one: a hundred parts of published data, 280 MB. */
    maxLeaves: count.max(MOST_LEAVES).default(MOST_LEAVES),
    /** Leaves in a part of the published data: what readers take in one document. */
    partLeaves: count.max(PART_LEAVES).default(PART_LEAVES),
    /** Packed bytes of one batch: a transaction must fit the pools of common nodes (128 KiB). */
    maxBytes: count.default(120_000),
    /** Gas of one batch at most: chains cap a transaction at 2^24. */
    maxGas: count.default(15_000_000),
    /** A transaction that is in no block after this long is replaced by one that pays an eighth more. */
    stuckMs: count.default(60_000),
    /** The most that a settlement may pay, wei per gas. */
    mostFeePerGas: wei.default(500_000_000_000n),
    /** Blocks that must stand on a batch before it is no longer looked at. */
    finalityBlocks: z.number().int().min(0).default(12),
    /** Blocks that must stand on a deposit before it is credit: 0 on a local chain and 12 on others, if absent. At most what
     *  nodes without an archive answer for. */
    depositConfirmations: z.exactOptional(z.number().int().min(0).max(100)),
    /** The chain's newest block may be this old before the node behind the RPC URL counts as not synced. */
    headAgeMs: count.default(600_000),
    /** How often float, bond and the state of the chain are looked at. */
    watchMs: count.default(2_000),
    /** Below this float an alarm rings. Base units. */
    lowFloat: wei.default(1_000_000n),
    /** Below this part of the least bond, in the asset, an alarm rings, basis points. */
    lowBondBps: count.default(12_000),
    /** How long batch data is served after its settlement, and the reasons of choices are kept. */
    keepMs: count.default(30 * DAY_MS),
    keepDecisionsMs: count.default(30 * DAY_MS),
  })
  .refine(({ maxLeaves, partLeaves }) => maxLeaves <= MOST_PARTS * partLeaves, {
    path: ['partLeaves'],
    message: `a batch has ${MOST_PARTS} parts at most: maxLeaves is too many for it`,
  })
export type SettleLimits = z.output<typeof settleSchema>

export const routerConfigSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 = any free one. */
  port: z.number().int().min(0).max(65_535).default(7800),
  dataDir: z.string().min(1),
  rpcUrl: z.url(),
  /** What clients are told; `rpcUrl` if absent. */
  publicRpcUrl: z.url().optional(),
  /** What clients are told; where the router listens if absent. */
  publicUrl: z.url().optional(),
  chainId: count,
  addresses: z.object({
    accessManager: addressSchema,
    heu: addressSchema,
    asset: addressSchema,
    registry: addressSchema,
    ledger: addressSchema,
  }),
  keyFile: z.string().min(1),
  podsDir: z.string().min(1),
  /** Proxies before this door, whose `X-Forwarded-For` is believed; default: none, callers are whom the socket says. */
  trustedProxies: z
    .array(
      z.union(
        [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.enum(['loopback', 'linklocal', 'uniquelocal'])],
        { error: "an address, a range such as '10.0.0.0/8', 'loopback', 'linklocal' or 'uniquelocal'" },
      ),
    )
    .default([]),
  settle: settleSchema.prefault({}),
  limits: limitsSchema.prefault({}),
})
export type RouterConfig = z.output<typeof routerConfigSchema>
