import { z } from 'zod'
import { hashSchema } from '../../../../sdk/protocol/wire.ts'

/** What this page reads of a router, checked at the door: amounts are decimal text there, bigints here. */

const amount = z
  .string()
  .regex(/^\d{1,39}$/)
  .transform(BigInt)

export const podsSchema = z.object({
  pods: z.array(
    z.looseObject({
      id: z.number(),
      name: z.string(),
      kind: z.string(),
      version: z.string(),
      description: z.string(),
      slots: z.number(),
      freeSlots: z.number(),
      pending: z.number(),
    }),
  ),
})
export type Pod = z.output<typeof podsSchema>['pods'][number]

export const nodesSchema = z.object({
  nodes: z.array(
    z.looseObject({
      id: z.number(),
      state: z.string(),
      slots: z.array(
        z.looseObject({
          slot: z.string(),
          pod: z.number(),
          state: z.enum(['cold', 'loading', 'warm']),
          free: z.boolean(),
          provider: z.string().optional(),
        }),
      ),
      inFlight: z.number(),
      jobs: z.number(),
      failures: z.number(),
      uptime: z.number(),
      hardware: z.record(z.string(), z.unknown()),
    }),
  ),
})
export type Node = z.output<typeof nodesSchema>['nodes'][number]
export type Slot = Node['slots'][number]

export const receiptsSchema = z.object({
  receipts: z.array(
    z.looseObject({
      hash: hashSchema,
      status: z.enum(['admitted', 'dispatched', 'receipted', 'batched', 'settled', 'failed']),
      payer: z.string(),
      pod: z.number(),
      node: z.number(),
      createdAt: z.number(),
      price: amount.optional(),
      provider: z.string().optional(),
      error: z.string().optional(),
    }),
  ),
})
export type ReceiptLine = z.output<typeof receiptsSchema>['receipts'][number]
export type Status = ReceiptLine['status']

export const batchesSchema = z.object({
  batches: z.array(
    z.looseObject({
      seq: amount,
      root: hashSchema,
      state: z.string(),
      leaves: z.number(),
      gross: amount,
      txHash: hashSchema,
      signedAt: z.number(),
      settledAt: z.number().optional(),
    }),
  ),
})
export type Batch = z.output<typeof batchesSchema>['batches'][number]

/** One event of the router's feed. */
export const feedEventSchema = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('job'),
    at: z.number(),
    request: z.string(),
    payer: z.string(),
    pod: z.number(),
    name: z.string(),
    status: z.string(),
    node: z.number().optional(),
  }),
  z.looseObject({
    type: z.literal('receipt'),
    at: z.number(),
    request: z.string(),
    payer: z.string(),
    node: z.number(),
    name: z.string(),
    price: amount,
    ms: z.number(),
  }),
  z.looseObject({ type: z.literal('batch'), at: z.number() }),
  z.looseObject({ type: z.literal('node'), at: z.number(), node: z.number(), state: z.string() }),
])
export type FeedEvent = z.output<typeof feedEventSchema>
