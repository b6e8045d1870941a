import { z } from 'zod'
import { refused } from '../sdk/errors.ts'

/** `auto` = the best provider that really runs; else exactly this one. `mig:` takes the id without `MIG-`. */
export const deviceSchema = z
  .string()
  .regex(/^(auto|cpu|cuda:\d{1,2}|mig:[0-9a-fA-F-]{36})$/, "'auto', 'cpu', 'cuda:0' or 'mig:<uuid>'")

export const slotConfigSchema = z.strictObject({
  /** The pod's folder under `podsDir`. */
  pod: z.string().regex(/^[a-z][a-z0-9-]{1,38}$/, 'a pod name'),
  device: deviceSchema.default('auto'),
  /** Loaded at once and kept loaded; else on its first job. */
  warm: z.boolean().default(false),
})
export type SlotConfig = z.output<typeof slotConfigSchema>

export const workerConfigSchema = z.strictObject({
  routerUrl: z.string().regex(/^https?:\/\/\S+$/, 'an http or https URL'),
  /** The node's number in the Registry. */
  node: z.number().int().positive(),
  signerKeyFile: z.string().min(1),
  podsDir: z.string().min(1),
  /** Holds the receipts. One worker per folder, one folder per node. */
  dataDir: z.string().min(1),
  slots: z.array(slotConfigSchema).min(1).max(256),
  /** Where the doctor asks the chain; default: what the router says. */
  rpcUrl: z.string().optional(),
  /** How long running jobs may go on after a stop. With what follows, a stop takes at most 4 s longer. */
  drainMs: z.number().int().nonnegative().max(600_000).default(6_000),
  /** Begin a new receipt store although the node has served before: see `receipts.lost`. */
  acceptLoss: z.boolean().default(false),
  /** Between looks whether the signer is still the node's. */
  signerLookMs: z.number().int().min(100).max(600_000).default(60_000),
  /** Between looks at the bond and the Statement that cover this node's work. */
  coverLookMs: z.number().int().min(100).max(600_000).default(60_000),
  /** Between looks whether somebody accuses this node. */
  caseLookMs: z.number().int().min(100).max(3_600_000).default(300_000),
})
export type WorkerConfig = z.output<typeof workerConfigSchema>

/** @throws `config.invalid` (refused) naming the field. */
export function parseConfig(value: unknown): WorkerConfig {
  const result = workerConfigSchema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') || 'config'
  throw refused('config.invalid', `worker config: ${field}: ${issue?.message ?? 'is wrong'}`, { field })
}
