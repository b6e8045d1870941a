import { createHash } from 'node:crypto'
import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from '@x402/core/http'
import type { SettleResponse } from '@x402/core/types'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asHeuristError, type HeuristError, later, refused } from '../../../sdk/errors.ts'
import { householdOf } from '../../../sdk/household.ts'
import { formatUsd } from '../../../sdk/units.ts'
import { addressOf } from '../address.ts'
import { logError } from '../door.ts'
import { toOpenAi } from '../errors.ts'
import type { Rate } from '../rate.ts'
import { CALLS_PER_MINUTE } from '../till/keys.ts'
import { HOUSE } from '../till/till.ts'
import type { KeptAnswer } from './books.ts'
import {
  atMost,
  type CallDeps,
  invalid,
  oneJob,
  openPaidCall,
  openQuote,
  type PaidCall,
  type Quote,
  quotingTill,
  responseOf,
  SETTLE_MS,
} from './call.ts'
import { HEADER, isSigned, type Payment, parsePayment } from './payment.ts'
import { requirementsOf, type Terms } from './terms.ts'

/** What of an answer's headers is told again with it. */
const KEPT_HEADERS = ['content-type', 'x-heurist-node', 'x-heurist-receipt']

/** Behind one address, wallets that ask as often as they may. */
const WALLETS = 10

/** How one request stands with x402: what it would cost, and the payment that came along. */
interface Paying {
  quote: Quote
  /** What was asked, as a URL. */
  resource: string
  payment?: Payment
  call?: PaidCall
}

/**
 * Lets callers without a key in: with a payment they are carried out on it, without one they are told what to pay. Before
 * `requireKey`, which refuses whom nobody let in.
 */
export function paidCalls(
  app: FastifyInstance,
  deps: CallDeps & { publicUrl: string | undefined },
  rate: Rate,
): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'POST' || request.headers.authorization !== undefined) return
    const quote = openQuote()
    const resource = new URL(request.url, addressOf(request, deps.publicUrl)).href
    request.paying = { quote, resource }
    // A wallet is made in no time: what one address may ask is limited too.
    const household = householdOf(request.ip)
    rate.take(`wallets of ${household}`, WALLETS * CALLS_PER_MINUTE, reply)
    const { payment, why } = await paymentOf(request, deps)
    if (payment === undefined || why !== undefined) {
      // Whom the free tier let in stays who it is.
      const known = request.caller ?? {
        wallet: HOUSE,
        key: `unpaid:${household}`,
        perMinute: CALLS_PER_MINUTE,
      }
      if (request.caller === undefined) rate.take(known.key, known.perMinute, reply)
      request.caller = { ...known, till: quotingTill(quote, why) }
      return
    }
    request.paying.payment = payment
    const key = `x402:${payment.payer}`
    // A signature that was used stands on the chain, for anybody to show: it counts against who shows it.
    const shown = isSpent(payment, deps) ? `shown by ${household}` : key
    rate.take(shown, CALLS_PER_MINUTE, reply)
    request.caller = { wallet: HOUSE, key, perMinute: CALLS_PER_MINUTE, till: quotingTill(quote) }
  })

  // The body is read: what is asked is known.
  app.addHook('preValidation', async (request, reply) => {
    const { paying, caller } = request
    if (paying?.payment === undefined || caller === undefined) return
    const { payment, quote } = paying
    const body = request.body as { stream?: unknown; n?: unknown } | null
    if (typeof body?.n === 'number' && body.n > 1) throw oneJob()
    const streams = body?.stream === true
    const asked = hashOf(request)
    const entry = deps.books.find(payment.id)
    const unheard = entry?.asked === asked && !deps.live.has(payment.id) ? entry.answer : undefined
    if (unheard !== undefined) return again(reply, payment, unheard, deps)
    // The client's name for the payment is its name for the request.
    if (payment.name !== undefined && !streams) request.headers['idempotency-key'] ??= payment.name
    paying.call = openPaidCall(payment, quote, { streams, asked, reply }, deps)
    request.caller = { ...caller, till: paying.call.till }
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const { paying } = request
    if (paying === undefined) return payload
    const sent =
      paying.call === undefined ? payload : await settle(paying.call, request, reply, payload, deps)
    if (reply.statusCode === 402 && paying.quote.jobs === 1) {
      reply.header('PAYMENT-REQUIRED', offersTo(paying, deps.terms))
      reply.header('cache-control', 'no-store')
    }
    return sent
  })
}

/** The payment that came along, and what is wrong with it. */
async function paymentOf(
  { headers }: FastifyRequest,
  { terms }: CallDeps,
): Promise<{ payment?: Payment; why?: HeuristError }> {
  const header = headers['payment-signature']
  if (header === undefined) {
    if (headers['x-payment'] === undefined) return {}
    throw refused('payment.malformed', 'This door speaks x402 version 2, and X-PAYMENT is of version 1', {
      field: 'X-PAYMENT',
      fix: `Send ${HEADER}, as clients of version 2 do.`,
    })
  }
  try {
    const payment = parsePayment(String(header))
    if (await isSigned(payment, terms)) return { payment }
    return { why: invalid(`its signature is not ${payment.payer}'s of these terms`) }
  } catch (cause) {
    const error = asHeuristError(cause)
    if (error.code === 'payment.wallet_unsupported') return { why: error }
    throw error
  }
}

/** Whether it cannot pay for another call here, whoever shows it. */
const isSpent = ({ id, to, until }: Payment, { books, terms, now = Date.now }: CallDeps): boolean =>
  books.find(id) !== undefined || to !== terms.payTo || 1000 * until <= now()

const hashOf = ({ url, body }: FastifyRequest): string =>
  createHash('sha256')
    .update(`${url}\n${JSON.stringify(body)}`)
    .digest('hex')

/** Takes the money before the answer leaves; an answer that is not paid does not. */
async function settle(
  call: PaidCall,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  { terms }: CallDeps,
) {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  // Told again to who paid for it once: settled already.
  if (reply.hasHeader('x-heurist-repeated')) return payload
  if (reply.statusCode >= 400 || !Buffer.isBuffer(body)) {
    call.failed()
    return payload
  }
  const { payment } = request.paying ?? {}
  if (payment !== undefined) reply.header('x-heurist-price', formatUsd(payment.amount))
  try {
    const headers = Object.fromEntries(
      KEPT_HEADERS.flatMap((name) => (reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : [])),
    )
    tell(reply, await call.answered({ status: reply.statusCode, headers, body }))
    return payload
  } catch (cause) {
    const error = asHeuristError(cause)
    logError(error, request)
    const answer = toOpenAi(error)
    for (const name of ['x-heurist-price', 'x-heurist-node', 'x-heurist-receipt']) reply.removeHeader(name)
    if (payment !== undefined) tell(reply, responseOf(payment, terms, { is: 'lost', why: error.message }))
    reply.code(answer.status)
    return JSON.stringify(answer.body)
  }
}

/** The same payment for the same request: the answer that it paid for. */
async function again(
  reply: FastifyReply,
  payment: Payment,
  { status, headers, body }: KeptAnswer,
  deps: CallDeps,
) {
  const final = await atMost(deps.settler.settle(payment.id), SETTLE_MS)
  if (final === undefined) {
    throw later('payment.waits', 'The payment is not in a block yet, and its answer waits for it', {
      fix: 'Ask again with the same payment.',
    })
  }
  if (final.is === 'lost') throw invalid(final.why)
  tell(reply, responseOf(payment, deps.terms, final))
  reply.header('x-heurist-price', formatUsd(payment.amount)).header('x-heurist-repeated', 'true')
  reply.raw.once('finish', () => deps.books.delivered(payment.id))
  return reply.headers(headers).code(status).send(body)
}

const tell = (reply: FastifyReply, response: SettleResponse) =>
  reply.header('PAYMENT-RESPONSE', encodePaymentResponseHeader(response))

function offersTo({ quote, resource }: Paying, terms: Terms): string {
  return encodePaymentRequiredHeader({
    x402Version: 2,
    error: 'an API key or a payment is needed',
    resource: {
      url: resource,
      description: 'One call to a pod of the Heurist network',
      mimeType: 'application/json',
    },
    accepts: [requirementsOf(terms, quote.most, quote.seconds)],
    extensions: { 'payment-identifier': IDENTIFIER },
  })
}

/** @source x402, extension `payment-identifier`. */
const IDENTIFIER = {
  info: { required: false },
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      required: { type: 'boolean' },
      id: { type: 'string', minLength: 16, maxLength: 128 },
    },
    required: ['required'],
  },
}

/** What a stream says at its end of its payment, as an SSE comment; undefined if it has none. */
export async function paymentLine({ paying }: FastifyRequest): Promise<string | undefined> {
  const response = await paying?.call?.told()
  return response && `payment-response: ${encodePaymentResponseHeader(response)}`
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Absent for callers with a key. */
    paying?: Paying
  }
}
