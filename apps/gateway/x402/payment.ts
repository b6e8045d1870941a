import { decodePaymentSignatureHeader } from '@x402/core/http'
import type { PaymentPayload } from '@x402/core/types'
import { type Address, type Hex, recoverTypedDataAddress } from 'viem'
import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'
import { addressSchema, hashSchema } from '../../../sdk/protocol/wire.ts'
import type { Terms } from './terms.ts'

/** An authorisation to take money, as it came in `PAYMENT-SIGNATURE`. */
export interface Payment {
  /** The token lets one such authorisation through, once: payer and nonce. */
  id: string
  payer: Address
  to: Address
  nonce: Hex
  /** Base units. */
  amount: bigint
  /** Good between these, exclusive. Unix seconds. */
  after: number
  until: number
  /** The client's own name for it (extension `payment-identifier`). */
  name?: string
  payload: PaymentPayload
}

export const HEADER = 'PAYMENT-SIGNATURE'

const uint = z.string().regex(/^\d{1,39}$/, 'a whole number as decimal text')
const seconds = z.string().regex(/^\d{1,12}$/, 'Unix seconds as decimal text')
const identifier = z.string().regex(/^[\w-]{16,128}$/, '16 to 128 letters, digits, hyphens and underscores')

/** What `exact` by EIP-3009 sends; other fields are the client's own affair. */
export const payloadSchema = z.object({
  x402Version: z.literal(2),
  accepted: z.object({
    scheme: z.literal('exact', "'exact' is what this door offers"),
    network: z.string().max(64),
    asset: addressSchema,
    amount: uint,
    payTo: addressSchema,
    maxTimeoutSeconds: z.number().positive(),
  }),
  payload: z.object({
    signature: z.string().regex(/^0x([0-9a-fA-F]{2}){1,4096}$/, 'bytes in hexadecimal'),
    authorization: z.object({
      from: addressSchema,
      to: addressSchema,
      value: uint,
      validAfter: seconds,
      validBefore: seconds,
      nonce: hashSchema,
    }),
  }),
  extensions: z
    .object({
      'payment-identifier': z.object({ info: z.object({ id: identifier.optional() }) }).optional(),
    })
    .nullish(),
})

/**
 * Reads the header. What it says is not yet believed.
 *
 * @throws `payment.malformed` (refused), naming the field; `payment.wallet_unsupported` (refused).
 */
export function parsePayment(header: string): Payment {
  return paymentOf(decode(header))
}

/** The same from a decoded payload. */
export function paymentOf(value: unknown): Payment {
  const result = payloadSchema.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    throw malformed(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is wrong'}`)
  }
  const { payload, extensions } = result.data
  const { authorization, signature } = payload
  if (signature.length !== 132) {
    throw refused(
      'payment.wallet_unsupported',
      'The payment asset moves by the 65-byte signature of a plain account; a wallet contract cannot sign that',
      { field: HEADER, fix: 'Pay from a plain account, or deposit from the wallet and use an API key.' },
    )
  }
  const name = extensions?.['payment-identifier']?.info.id
  return {
    id: `${authorization.from}:${authorization.nonce}`,
    payer: authorization.from,
    to: authorization.to,
    nonce: authorization.nonce,
    amount: BigInt(authorization.value),
    after: Number(authorization.validAfter),
    until: Number(authorization.validBefore),
    ...(name === undefined ? {} : { name }),
    payload: value as PaymentPayload,
  }
}

function decode(header: string): unknown {
  try {
    return decodePaymentSignatureHeader(header)
  } catch {
    throw malformed('it is not base64 of a JSON object')
  }
}

const malformed = (why: string) =>
  refused('payment.malformed', `'${HEADER}' cannot be read: ${why}`, {
    field: HEADER,
    fix: 'Send what an x402 client of version 2 makes of the offers in PAYMENT-REQUIRED.',
  })

/** @source EIP-3009. */
const authorizationTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/** Whether the payer itself signed it, for this asset on this chain. */
export async function isSigned({ payer, payload }: Payment, terms: Terms): Promise<boolean> {
  const { signature, authorization } = payloadSchema.parse(payload).payload
  try {
    const signer = await recoverTypedDataAddress({
      domain: {
        name: terms.name,
        version: terms.version,
        chainId: terms.chainId,
        verifyingContract: terms.asset,
      },
      types: authorizationTypes,
      primaryType: 'TransferWithAuthorization',
      message: {
        from: authorization.from,
        to: authorization.to,
        value: BigInt(authorization.value),
        validAfter: BigInt(authorization.validAfter),
        validBefore: BigInt(authorization.validBefore),
        nonce: authorization.nonce as Hex,
      },
      signature: signature as Hex,
    })
    return signer.toLowerCase() === payer
  } catch {
    return false
  }
}
