import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { refused } from '../errors.ts'
import type { Ack, End, Receipt, Request, Statement, Voucher } from './messages.ts'

/** The JSON forms of the protocol's messages: amounts as decimal strings, hashes in lower-case hex. */

const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`), `${bytes} bytes in hexadecimal`)
    .transform((text) => text.toLowerCase() as Hex)

function uint(bits: number) {
  const end = 1n << BigInt(bits)
  return z
    .string()
    .regex(/^\d{1,39}$/, 'a whole number as decimal text')
    .transform(BigInt)
    .refine((value) => value < end, `below 2^${bits}`)
}

const small = (bits: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(2 ** bits - 1)

export const addressSchema = hex(20) as z.ZodType<Address, string>
export const hashSchema = hex(32)
/** 64 bytes (EIP-2098) or 65 bytes (r, s, v). */
export const signatureSchema = z
  .string()
  .regex(/^0x([0-9a-fA-F]{128}|[0-9a-fA-F]{130})$/, '64 or 65 bytes in hexadecimal')
  .transform((text) => text.toLowerCase() as Hex)

export const requestSchema = z.strictObject({
  payer: addressSchema,
  id: hashSchema,
  pod: small(32),
  manifest: hashSchema,
  frontend: small(32),
  node: small(32),
  maxPrice: uint(128),
  deadline: small(40),
  input: hashSchema,
}) satisfies z.ZodType<Request, unknown>

export const voucherSchema = z.strictObject({
  router: addressSchema,
  ceiling: uint(128),
  expiry: small(40),
  request: hashSchema,
}) satisfies z.ZodType<Voucher, unknown>

export const receiptSchema = z.strictObject({
  request: hashSchema,
  node: small(32),
  unitsIn: uint(64),
  unitsOut: uint(64),
  length: uint(64),
  end: z.union([z.literal(0), z.literal(1)]) as z.ZodType<End>,
  price: uint(128),
  output: hashSchema,
  evidence: hashSchema,
  completedAt: small(40),
}) satisfies z.ZodType<Receipt, unknown>

export const ackSchema = z.strictObject({
  payer: addressSchema,
  charged: uint(128),
  count: uint(64),
  receipt: hashSchema,
}) satisfies z.ZodType<Ack, unknown>

/** `POST /v1/jobs`: a request, its voucher and the payer's one signature (over the voucher). */
export const jobSchema = z.strictObject({
  /** The chain the payer signed for; another one is refused as `chain.wrong` instead of a bad signature. */
  chainId: small(48),
  request: requestSchema,
  voucher: voucherSchema,
  signature: signatureSchema,
  /** The input exactly as hashed into `request.input`: UTF-8 text. */
  input: z.string(),
})
export type Job = z.output<typeof jobSchema>

/** A node's receipt as it travels from worker to router to payer. */
export const signedReceiptSchema = z.strictObject({
  receipt: receiptSchema,
  /** By the node's registered signer, over the Receipt digest. */
  signature: signatureSchema,
  /** The execution provider that actually ran. */
  provider: z.enum(['cuda', 'webgpu', 'cpu']),
})
export type SignedReceipt = z.output<typeof signedReceiptSchema>

/** What a payer holds after a call: the node's receipt and the router's countersignature. */
export const countersignedSchema = signedReceiptSchema.extend({
  ack: ackSchema,
  ackSignature: signatureSchema,
})
export type Countersigned = z.output<typeof countersignedSchema>

/** The payees that a router states something to: 0 node, 1 pod, 2 frontend, as numbered on chain. */
export const statementSchema = z.strictObject({
  role: z.number().int().min(0).max(2),
  id: small(32),
  /** Cumulative gross of all acknowledged calls of the payee, posted or not, base units. Never falls. */
  gross: uint(128),
  /** Unix seconds. */
  asOf: small(40),
}) satisfies z.ZodType<Statement, unknown>

/** `GET /v1/statements/:role/:id`: what a router owes a payee in all, in a form that its bond answers for. */
export const statementReplySchema = z.strictObject({
  statement: statementSchema,
  /** 65 bytes, by the router, over the Statement digest. */
  signature: signatureSchema,
  router: addressSchema,
})
export type StatementReply = z.output<typeof statementReplySchema>

/**
 * Parses what came in at a door.
 *
 * @throws `<code>` (refused) naming the first wrong field.
 */
export function parseWire<T extends z.ZodType>(schema: T, value: unknown, code: string): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') || 'body'
  throw refused(code, `${field}: ${issue?.message ?? 'is wrong'}`, { field })
}

/** JSON text with bigints as decimal strings: the inverse of the schemas above. */
export const toWire = (value: unknown): string =>
  JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? field.toString() : field))
