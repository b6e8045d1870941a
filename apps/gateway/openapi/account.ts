import { z } from 'zod'
import {
  challengeBody,
  depositBody,
  keyBody,
  sessionBody,
  settingsBody,
  webhookBody,
} from '../account/routes.ts'
import { usageQuery } from '../account/usage.ts'
import type { Operation } from './operation.ts'

const dollars = z.string().regex(/^-?\d+\.\d{6}$/)
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const time = z.iso.datetime()

const balance = {
  wallet: address,
  deposited: dollars,
  charged: dollars,
  held: dollars,
  available: dollars,
  low_mark: dollars,
  deposit: z.strictObject({
    chain_id: z.int(),
    ledger: address,
    asset: address,
    router: address,
    key: address,
  }),
}
const key = {
  id: z.string(),
  name: z.string(),
  spent: dollars,
  quota: dollars.nullable(),
  expires: time.nullable(),
  pods: z.array(z.string()).nullable(),
  per_minute: z.int(),
  created: time,
  revoked: time.nullable(),
}
const webhook = {
  url: z.string(),
  low_mark: dollars,
  low: z.boolean(),
  last: z
    .strictObject({ id: z.string(), made: time, attempts: z.int().nonnegative(), outcome: z.string() })
    .nullable(),
}
const usageRow = { calls: z.int(), units_in: z.int(), units_out: z.int(), usd: dollars }
const usage = z.union(
  (['day', 'key', 'pod'] as const).map((by) =>
    z.strictObject({ by: z.literal(by), rows: z.array(z.strictObject({ [by]: z.string(), ...usageRow })) }),
  ),
)

const page = { room: 'Account', opens: 'session' } as const
const open = { room: 'Account', opens: 'nothing', method: 'post' } as const

/** Accounts by wallet. */
export const accountOperations: readonly Operation[] = [
  {
    ...open,
    path: '/v1/account/challenge',
    does: 'A message for the wallet to sign (EIP-4361), good once and for ten minutes.',
    body: challengeBody,
    example: { address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' },
    answers: { 200: { shape: z.strictObject({ message: z.string() }) } },
  },
  {
    ...open,
    path: '/v1/account/session',
    does: 'A token for a day, for a message and its signature.',
    body: sessionBody,
    example: { message: 'the message that was asked for, as it is', signature: `0x${'1b'.repeat(65)}` },
    answers: {
      200: {
        shape: z.strictObject({
          token: z.string().regex(/^hs[0-9a-f]{64}$/),
          wallet: address,
          expires: time,
        }),
      },
    },
  },
  {
    ...page,
    method: 'delete',
    path: '/v1/account/session',
    does: 'Ends the session.',
    answers: { 204: {} },
  },
  {
    ...page,
    method: 'get',
    path: '/v1/account',
    does: 'What the account has, and where to deposit.',
    answers: { 200: { shape: z.strictObject(balance) } },
  },
  {
    ...page,
    method: 'patch',
    path: '/v1/account',
    does: 'Sets the balance below which answers and the webhook say that it is low.',
    body: settingsBody,
    example: { low_mark: '1.50' },
    answers: { 200: { shape: z.strictObject(balance) } },
  },
  {
    ...page,
    method: 'get',
    path: '/v1/account/keys',
    does: 'The keys, without their secrets.',
    answers: { 200: { shape: z.strictObject({ keys: z.array(z.strictObject(key)) }) } },
  },
  {
    ...page,
    method: 'post',
    path: '/v1/account/keys',
    does: 'Makes a key. It is shown once.',
    body: keyBody,
    example: { name: 'work', quota: '5', pods: ['chat'], per_minute: 60 },
    answers: { 201: { shape: z.strictObject({ ...key, key: z.string() }) } },
  },
  {
    ...page,
    method: 'delete',
    path: '/v1/account/keys/{id}',
    does: 'Revokes a key.',
    answers: { 200: { shape: z.strictObject(key) } },
  },
  {
    ...page,
    method: 'post',
    path: '/v1/account/deposits',
    does: 'Books what a transaction of the wallet deposited, once.',
    body: depositBody,
    example: { transaction: `0x${'ab'.repeat(32)}` },
    answers: { 200: { shape: z.strictObject({ booked: dollars, ...balance }) } },
  },
  {
    ...page,
    method: 'get',
    path: '/v1/account/webhook',
    does: 'Whom to tell that the balance is low, and what became of the last message.',
    answers: { 200: { shape: z.strictObject(webhook) } },
  },
  {
    ...page,
    method: 'put',
    path: '/v1/account/webhook',
    does: 'Sets it. The secret that signs messages is shown once.',
    body: webhookBody,
    example: { url: 'https://example.com/low', low_mark: '1.50' },
    answers: { 200: { shape: z.strictObject({ ...webhook, secret: z.string().regex(/^whsec_/) }) } },
  },
  {
    ...page,
    method: 'delete',
    path: '/v1/account/webhook',
    does: 'Removes it.',
    answers: { 204: {} },
  },
  {
    ...page,
    method: 'get',
    path: '/v1/account/usage',
    does: 'What calls came to, by day, key or pod: JSON, CSV or a plot.',
    query: usageQuery,
    answers: { 200: { shape: usage } },
  },
]
