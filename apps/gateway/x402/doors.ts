import type { PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { asHeuristError, refused } from '../../../sdk/errors.ts'
import { householdOf } from '../../../sdk/household.ts'
import { addressSchema } from '../../../sdk/protocol/wire.ts'
import { type Accounts, missingKey } from '../accounts.ts'
import type { Rate } from '../rate.ts'
import { CALLS_PER_MINUTE } from '../till/keys.ts'
import { HOUSE } from '../till/till.ts'
import type { Cashier, Collected } from './cashier.ts'
import { isSigned, type Payment, paymentOf } from './payment.ts'
import type { Terms } from './terms.ts'

export interface FacilitatorDeps {
  cashier: Cashier
  terms: Terms
  /** Only keys of the operator may ask, as settling costs gas and keys cost nothing; undefined = everybody may. */
  keys?: Pick<Accounts, 'identify'>
  rate: Rate
}

/** How far back a payment that was used already is looked for. Blocks. */
const LOOK_BACK = 5_000n

export const askedSchema = z.object({
  x402Version: z.literal(2),
  paymentPayload: z.unknown(),
  paymentRequirements: z.object({
    scheme: z.literal('exact'),
    network: z.string().max(64),
    asset: addressSchema,
    amount: z.string().regex(/^\d{1,39}$/, 'a whole number as decimal text'),
    payTo: addressSchema,
    maxTimeoutSeconds: z.number().positive().max(31_536_000),
    extra: z.object({ name: z.string().max(256), version: z.string().max(64) }),
  }),
})

interface Asked {
  payment: Payment
  requirements: PaymentRequirements
  /** Why it cannot be, in a word of x402's kind. */
  wrong?: string
}

/**
 * The facilitator of this chain, for any frontend that charges on it: what x402 calls `/verify`, `/settle` and `/supported`,
 * under `/x402`. Settling costs this door gas and its caller nothing.
 */
export function facilitatorRoutes(app: FastifyInstance, deps: FacilitatorDeps): void {
  const collect = collector(deps)
  app.register(
    async (door) => {
      door.addHook('onRequest', async (request, reply) => {
        if (request.method === 'POST') deps.rate.take(nameOf(request, deps), CALLS_PER_MINUTE, reply)
      })
      door.get('/supported', async () => deps.cashier.supported())

      door.post('/verify', async (request, reply) => {
        try {
          return await verify(await readAsked(request.body, deps.terms), deps)
        } catch (cause) {
          const { code, message } = onlyRefused(cause)
          return reply.code(400).send({ isValid: false, invalidReason: code, invalidMessage: message })
        }
      })

      door.post('/settle', async (request, reply) => {
        try {
          return await settle(await readAsked(request.body, deps.terms), deps.terms, collect)
        } catch (cause) {
          const { code, message } = onlyRefused(cause)
          const { network } = deps.terms
          const why = { errorReason: code, errorMessage: message }
          return reply.code(400).send({ success: false, ...why, transaction: '', network })
        }
      })
    },
    { prefix: '/x402' },
  )
}

async function verify(asked: Asked, { cashier }: FacilitatorDeps): Promise<VerifyResponse> {
  const { payment, requirements, wrong } = asked
  if (wrong !== undefined) return { isValid: false, invalidReason: wrong, payer: payment.payer }
  return cashier.verify(payment.payload, requirements)
}

const REASONS = {
  lost: 'settlement_failed',
  unfunded: 'insufficient_funds',
  unknown: 'settlement_pending',
} as const

type Collect = (payment: Payment, requirements: PaymentRequirements) => Promise<Collected>

/** Who asks for a payment that is being settled waits with the others: one transaction, not one each. */
function collector({ cashier }: FacilitatorDeps): Collect {
  const running = new Map<string, Promise<Collected>>()
  async function once(payment: Payment, requirements: PaymentRequirements): Promise<Collected> {
    const block = await cashier.block()
    return cashier.collect(payment, requirements, block > LOOK_BACK ? block - LOOK_BACK : 0n)
  }
  return (payment, requirements) => {
    // One nonce may be signed for several transfers: only one of them can be.
    const { id, to, amount, until } = payment
    const same = `${id} ${to} ${amount} ${until}`
    const known = running.get(same)
    if (known !== undefined) return known
    const attempt = once(payment, requirements).finally(() => running.delete(same))
    running.set(same, attempt)
    return attempt
  }
}

/** Settling again what is settled says so again. */
async function settle(asked: Asked, terms: Terms, collect: Collect): Promise<SettleResponse> {
  const { payment, requirements, wrong } = asked
  const common = { network: terms.network, payer: payment.payer }
  if (wrong !== undefined) return { success: false, errorReason: wrong, transaction: '', ...common }
  const collected = await collect(payment, requirements)
  if (collected.is === 'settled') {
    return { success: true, transaction: collected.transaction, ...common, amount: requirements.amount }
  }
  return {
    success: false,
    errorReason: REASONS[collected.is],
    errorMessage: collected.why,
    transaction: '',
    ...common,
  }
}

/**
 * One asset on one chain: who could have other contracts called would spend this door's gas on them.
 *
 * @throws `payment.malformed`, `payment.wallet_unsupported` (refused).
 */
async function readAsked(body: unknown, terms: Terms): Promise<Asked> {
  const result = askedSchema.safeParse(body)
  if (!result.success) {
    const [issue] = result.error.issues
    const field = issue?.path.join('.') || 'body'
    throw refused('payment.malformed', `${field}: ${issue?.message ?? 'is wrong'}`, { field })
  }
  const requirements = result.data.paymentRequirements as PaymentRequirements
  const payment = paymentOf(result.data.paymentPayload)
  const wrong = await wrongIn(payment, requirements, terms)
  return { payment, requirements, ...(wrong === undefined ? {} : { wrong }) }
}

async function wrongIn(
  payment: Payment,
  { network, asset, extra, payTo, amount }: PaymentRequirements,
  terms: Terms,
): Promise<string | undefined> {
  if (network !== terms.network || payment.payload.accepted.network !== network) return 'invalid_network'
  if (asset !== terms.asset) return 'unsupported_asset'
  if (extra.name !== terms.name || extra.version !== terms.version) return 'invalid_eip712_domain'
  if (payment.to !== payTo) return 'invalid_recipient'
  if (payment.amount.toString() !== amount) return 'invalid_amount'
  return (await isSigned(payment, terms)) ? undefined : 'invalid_signature'
}

/** @throws `api_key.*`, `operator.forbidden` (refused). */
function nameOf(request: FastifyRequest, { keys }: FacilitatorDeps): string {
  if (keys === undefined) return `facilitator:${householdOf(request.ip)}`
  const { authorization } = request.headers
  if (authorization === undefined) missingKey()
  const { id, wallet } = keys.identify(authorization)
  if (wallet !== HOUSE) {
    throw refused('operator.forbidden', 'This facilitator is for the keys of its operator', {
      fix: "Settle at a facilitator of your own, or ask this gateway's operator for one of his keys.",
    })
  }
  return `facilitator:${id}`
}

function onlyRefused(cause: unknown) {
  const error = asHeuristError(cause)
  if (error.kind !== 'refused') throw error
  return error
}
