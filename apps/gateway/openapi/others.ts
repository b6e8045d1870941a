import { z } from 'zod'
import { revenuePage } from '../operator/page.ts'
import { revenueParameters } from '../operator/revenue.ts'
import { askedSchema } from '../x402/doors.ts'
import type { Operation } from './operation.ts'

const requirements = {
  scheme: 'exact',
  network: 'eip155:31337',
  asset: `0x${'5f'.repeat(20)}`,
  amount: '1200',
  payTo: `0x${'70'.repeat(20)}`,
  maxTimeoutSeconds: 60,
  extra: { name: 'Test Dollar', version: '1' },
}
const payment = {
  x402Version: 2,
  accepted: requirements,
  payload: {
    signature: `0x${'1b'.repeat(65)}`,
    authorization: {
      from: `0x${'12'.repeat(20)}`,
      to: requirements.payTo,
      value: '1200',
      validAfter: '0',
      validBefore: '1900000000',
      nonce: `0x${'34'.repeat(32)}`,
    },
  },
}
const example = { x402Version: 2, paymentPayload: payment, paymentRequirements: requirements }

const verified = z.strictObject({
  isValid: z.boolean(),
  invalidReason: z.exactOptional(z.string()),
  invalidMessage: z.exactOptional(z.string()),
  payer: z.exactOptional(z.string()),
})
const settled = z.strictObject({
  success: z.boolean(),
  errorReason: z.exactOptional(z.string()),
  errorMessage: z.exactOptional(z.string()),
  transaction: z.string(),
  network: z.string(),
  payer: z.exactOptional(z.string()),
  amount: z.exactOptional(z.string()),
})

/** The facilitator of this chain, as x402 version 2 asks one. */
export const x402Operations: readonly Operation[] = [
  {
    method: 'get',
    path: '/x402/supported',
    room: 'x402',
    does: 'Which payments it verifies and settles.',
    opens: 'nothing',
    answers: { 200: { shape: z.looseObject({ kinds: z.array(z.looseObject({})) }) } },
  },
  {
    method: 'post',
    path: '/x402/verify',
    room: 'x402',
    does: 'Whether a payment would settle now.',
    opens: 'nothing',
    body: askedSchema,
    example,
    answers: { 200: { shape: verified }, 400: { shape: verified } },
  },
  {
    method: 'post',
    path: '/x402/settle',
    room: 'x402',
    does: 'Settles a payment, once.',
    opens: 'nothing',
    body: askedSchema,
    example,
    answers: { 200: { shape: settled }, 400: { shape: settled } },
  },
]

/** What the gateway brings and costs, for whoever runs it. */
export const operatorOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/operator/revenue',
    room: 'Operator',
    does: 'Revenue, cost, the share that comes back, and the margin, by day and key.',
    opens: 'session',
    query: revenueParameters,
    answers: { 200: { shape: revenuePage } },
  },
]
