import { z } from 'zod'
import {
  ackSchema,
  addressSchema,
  countersignedSchema,
  hashSchema,
  requestSchema,
  signatureSchema,
} from './protocol/wire.ts'

/** The router's public documents, as its doors answer them. Amounts are decimal text on the wire, bigints here. */

const amount = z
  .string()
  .regex(/^\d{1,39}$/)
  .transform(BigInt)

export const podSchema = z.looseObject({
  id: z.number(),
  name: z.string(),
  version: z.string(),
  kind: z.string(),
  manifest: hashSchema,
  description: z.string(),
})
export type PodDocument = z.output<typeof podSchema>

export const quoteSchema = z.looseObject({
  pod: z.number(),
  name: z.string(),
  manifest: hashSchema,
  maxPrice: amount,
  freeSlots: z.number(),
  pending: z.number(),
  expectedFirstByteMs: z.number(),
})
export type Quote = z.output<typeof quoteSchema>

export const accountSchema = z.looseObject({
  payer: addressSchema,
  deposited: amount,
  spent: amount,
  thawing: amount,
  charged: amount,
  count: amount,
  held: amount,
  available: amount,
  ack: z.exactOptional(z.object({ ack: ackSchema, ackSignature: signatureSchema })),
})
export type AccountDocument = z.output<typeof accountSchema>

export const leafSchema = z.object({
  payer: addressSchema,
  charged: amount,
  count: amount,
  request: hashSchema,
  receipt: hashSchema,
  node: z.number(),
  nodeGross: amount,
  pod: z.number(),
  podGross: amount,
  frontend: z.number(),
  frontendGross: amount,
})

export const splitSchema = z.object({
  node: amount,
  pod: amount,
  frontend: amount,
  voters: amount,
  protocol: amount,
})

export const receiptDocumentSchema = z.looseObject({
  status: z.enum(['admitted', 'dispatched', 'receipted', 'batched', 'settled', 'failed']),
  request: requestSchema,
  hash: z.exactOptional(hashSchema),
  node: z.number(),
  receipt: z.exactOptional(countersignedSchema.shape.receipt),
  signature: z.exactOptional(signatureSchema),
  provider: z.exactOptional(countersignedSchema.shape.provider),
  ack: z.exactOptional(ackSchema),
  ackSignature: z.exactOptional(signatureSchema),
  leaf: z.exactOptional(leafSchema),
  split: z.exactOptional(splitSchema),
  batch: z.exactOptional(
    z.looseObject({
      seq: amount,
      root: hashSchema,
      proof: z.array(hashSchema),
      txHash: hashSchema,
      block: z.exactOptional(amount),
    }),
  ),
  error: z.exactOptional(
    z.looseObject({ code: z.string(), kind: z.enum(['refused', 'later', 'bug']), message: z.string() }),
  ),
})
export type ReceiptDocument = z.output<typeof receiptDocumentSchema>
