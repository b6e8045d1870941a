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

/** Of a batch: as wide as the ledger's, so that no question to it can fail for its size. */
const seq = amount.refine((value) => value < 2n ** 64n, 'is no number of a batch')

/** Of a node, pod or frontend. */
const id = z
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1)

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
  node: id,
  nodeGross: amount,
  pod: id,
  podGross: amount,
  frontend: id,
  frontendGross: amount,
})

/** `GET /v1/accounts/:payer/leaf?batch=N`: the newest leaf of an account in the batches up to N. */
export const provenLeafSchema = z.looseObject({
  seq,
  leaf: leafSchema,
  proof: z.array(hashSchema).max(64),
})

export const splitSchema = z.object({
  node: amount,
  pod: amount,
  frontend: amount,
  voters: amount,
  /** Of one call it may be a few units below zero. @source `splitOf` */
  protocol: z
    .string()
    .regex(/^-?\d{1,39}$/)
    .transform(BigInt),
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
      seq,
      root: hashSchema,
      /** Missing while the router is asked for more proofs than it makes at once. */
      proof: z.exactOptional(z.array(hashSchema)),
      txHash: hashSchema,
      block: z.exactOptional(amount),
    }),
  ),
  error: z.exactOptional(
    z.looseObject({ code: z.string(), kind: z.enum(['refused', 'later', 'bug']), message: z.string() }),
  ),
})
export type ReceiptDocument = z.output<typeof receiptDocumentSchema>

// ---- what the pods of a kind read and answer; what chat and image pods read is in their engines' requests

/** How strongly a picture may be asked to follow its prompt, from 0. */
export const IMAGE_GUIDANCE_MOST = 10
/** Seeds of pictures are unsigned 32-bit numbers. */
export const IMAGE_SEED_MOST = 0xffffffff

const TEXTS_MOST = 256
const text = z.string().min(1)

/** One text or several; each gets a vector of its own, whatever stands beside it. */
export const embedInputSchema = z.strictObject({
  input: z.union([text, z.array(text).min(1).max(TEXTS_MOST)], `is a text, or 1 to ${TEXTS_MOST} of them`),
})
export type EmbedInput = z.output<typeof embedInputSchema>

/** One vector of length 1 per text, in their order. Rounded to six decimals. */
export const embedOutputSchema = z.strictObject({
  embeddings: z
    .array(z.array(z.number().min(-1).max(1)).min(1))
    .min(1)
    .max(TEXTS_MOST),
})
export type EmbedOutput = z.output<typeof embedOutputSchema>

const language = z.string().regex(/^[A-Za-z]{2,3}(_[A-Za-z]{4})?$/, 'is a language code such as en or de')

/** One text, and the languages it is in and is to be in, by the pod's own codes. */
export const translateInputSchema = z.strictObject({
  text: text.refine((said) => said.trim() !== '', 'says nothing'),
  from: language,
  to: language,
})
export type TranslateInput = z.output<typeof translateInputSchema>
