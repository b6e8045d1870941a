import type { Address, Hex } from 'viem'
import { z } from 'zod'
import type { Keccak } from './bytes.ts'
import { keccak, toHex } from './bytes.ts'
import { addressSchema, hashSchema, requestSchema } from './wire.ts'

/** What a router and a worker say to each other in the JSON payloads of `frames.ts`. */

/** The WebSocket subprotocol of this version of the link. */
export const LINK_PROTOCOL = 'heurist.worker.1'
export const LINK_PATH = '/v1/worker'
/** WebSocket close code: a newer link of the same node took over. */
export const CLOSE_REPLACED = 4001

const count = z.number().int().nonnegative()

/** router → worker: prove that you are this node, here and now. */
export const challengeSchema = z.object({
  nonce: z.string().min(16).max(200),
  router: addressSchema,
  chainId: count,
  ledger: addressSchema,
})
export type Challenge = z.output<typeof challengeSchema>

/** One pod × GPU slice of a worker. */
export const slotStateSchema = z.object({
  slot: z.string().min(1).max(100),
  pod: count,
  manifest: hashSchema,
  state: z.enum(['cold', 'loading', 'warm']),
  /** A job sent now starts now, or as soon as the pod is loaded. */
  free: z.boolean(),
  /** The execution provider that its warm-up run really used. */
  provider: z.enum(['cuda', 'webgpu', 'cpu']).optional(),
  /** How long the last load took, milliseconds. */
  loadMs: count.optional(),
})
export type SlotState = z.output<typeof slotStateSchema>

/** worker → router: who serves, its signature over the challenge, its slots. */
export const helloSchema = z.object({
  node: z.number().int().positive(),
  signature: z.string(),
  version: z.string().max(50),
  hardware: z.record(z.string(), z.unknown()),
  slots: z.array(slotStateSchema).max(1000),
})
export type Hello = z.output<typeof helloSchema>

/** router → worker: admitted. */
export const readySchema = z.object({
  node: count,
  /** A worker not heard of for this long has lost its jobs. Milliseconds. */
  leaseMs: z.number().int().positive(),
  heartbeatMs: z.number().int().positive(),
  /** Output bytes of one job that may be on their way before the first credit. */
  windowBytes: z.number().int().positive(),
})
export type Ready = z.output<typeof readySchema>

/** router → worker: the header of a job order; the input bytes follow it. */
export const jobHeaderSchema = z.object({
  request: requestSchema,
  /** 1 for the first node that tries it, 2 for the next. */
  attempt: count,
  /** Unix milliseconds after which the router waits no longer. */
  deadlineMs: count,
})
export type JobHeader = z.output<typeof jobHeaderSchema>

/** `charged`: the payer was charged for it; else the call was given up, and the receipt may be forgotten. */
export const receivedSchema = z.object({ request: hashSchema, charged: z.boolean().default(false) })

/** The text that a node's signer signs (EIP-191) to open a link. */
export const challengeText = (challenge: Challenge, node: number): string =>
  [
    'heurist worker',
    `chain ${challenge.chainId}`,
    `ledger ${challenge.ledger.toLowerCase()}`,
    `router ${(challenge.router as Address).toLowerCase()}`,
    `node ${node}`,
    `nonce ${challenge.nonce}`,
  ].join('\n')

/** The digest of a text as wallets sign it: `personal_sign`, EIP-191 version 0x45. */
export function textDigest(text: string, hash: Keccak = keccak): Hex {
  const utf8 = new TextEncoder()
  const body = utf8.encode(text)
  const head = utf8.encode(`\x19Ethereum Signed Message:\n${body.length}`)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head, 0)
  bytes.set(body, head.length)
  return toHex(hash(bytes))
}

/** Whether the other end of a link is there. */
export interface Silence {
  /** Something came. */
  heard(): void
  /**
   * To be asked at every heartbeat. A look that comes late says no, once: this end stood still, and what came meanwhile is not
   * read yet.
   */
  isTooLong(): boolean
}

/**
 * @param mostMs  So long nothing may come.
 * @param nowMs   Milliseconds since any moment.
 */
export function watchSilence(facts: { heartbeatMs: number; mostMs: number; nowMs: () => number }): Silence {
  const { heartbeatMs, mostMs, nowMs } = facts
  let heardMs = nowMs()
  let lookedMs = heardMs
  let wasLate = false
  return {
    heard() {
      heardMs = nowMs()
    },
    isTooLong() {
      const now = nowMs()
      wasLate = !wasLate && now - lookedMs > 2 * heartbeatMs
      lookedMs = now
      // The clock may go back.
      heardMs = Math.min(heardMs, now)
      return !wasLate && now - heardMs > mostMs
    },
  }
}
