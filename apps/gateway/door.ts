import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asHeuristError, type HeuristError, refused } from '../../sdk/errors.ts'
import { formatUsd } from '../../sdk/units.ts'
import { type Accounts, callerOf, missingKey } from './accounts.ts'
import type { Caller } from './caller.ts'
import { toOpenAi } from './errors.ts'
import type { Rate } from './rate.ts'
import { HOUSE } from './till/till.ts'

/** The largest body this door reads. Bytes. */
export const MAX_BODY_BYTES = 1024 * 1024

const EXPOSED =
  'x-request-id, openai-processing-ms, retry-after, x-heurist-price, x-heurist-node, x-heurist-receipt, x-heurist-balance, x-heurist-balance-low, x-heurist-repeated, payment-required, payment-response, x-heurist-sponsored, x-heurist-sponsored-left, x-heurist-sponsored-resets, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests'

/**
 * What every answer carries: request id, processing time, and leave for browsers to read them. Hooks that wait for nothing
 * call `done`, here and below: a promise each, at every call, is a twentieth of its processor time.
 */
export function addHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    stamp(request, reply)
    done()
  })
  app.addHook('onSend', (_, reply, payload, done) => {
    reply.header('openai-processing-ms', Math.round(reply.elapsedTime))
    done(null, payload)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request
    const ms = Math.round(reply.elapsedTime)
    request.log.info({
      event: 'call.answered',
      method,
      route: routeOptions.url,
      status: reply.statusCode,
      ms,
    })
    done()
  })
  app.options('*', async (_, reply) =>
    reply
      .header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
      .header('access-control-allow-headers', '*, authorization, content-type')
      .header('access-control-max-age', '86400')
      .code(204)
      .send(),
  )
}

function stamp(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  reply.header('access-control-allow-origin', '*')
  reply.header('access-control-expose-headers', EXPOSED)
  reply.header('x-content-type-options', 'nosniff')
}

/** What Fastify answers itself, past all hooks: a URL that cannot be read. */
export function sendFrameworkError(thrown: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  stamp(request, reply)
  reply.header('openai-processing-ms', Math.round(reply.elapsedTime))
  return sendError(fromDoor(thrown), request, reply)
}

/** What clients that must send some key send if they have none. */
const NO_KEY = /^bearer *(x402)? *$/i

/** Before all that asks whether there is a key: the free tier, payments by wallet, `requireKey`. */
export function forgetNoKeys(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers }, _, done) => {
    if (NO_KEY.test(headers.authorization ?? '')) delete headers.authorization
    done()
  })
}

/**
 * Refuses a wrong key before the body is read, counts its rate, and names the account that all calls are charged to. Listing
 * models needs no key, as at Heurist's gateway since 2024, but a key that is given must be right: people list models to try
 * their key.
 */
export function requireKey(app: FastifyInstance, accounts: Accounts, rate: Rate): void {
  app.addHook('onRequest', (request, reply, done) => {
    identify(request, reply, accounts, rate)
    done()
  })
  app.addHook('preHandler', ({ caller }, reply, done) => {
    // A stream's headers leave before its price is known: they tell what the account has when it begins.
    if (caller !== undefined) tellBalance(caller, accounts, reply)
    done()
  })
  app.addHook('onSend', ({ caller }, reply, payload, done) => {
    if (caller !== undefined) tellBalance(caller, accounts, reply)
    done(null, payload)
  })
}

function identify(request: FastifyRequest, reply: FastifyReply, accounts: Accounts, rate: Rate): void {
  const { authorization } = request.headers
  if (authorization === undefined) {
    if (request.method === 'GET' || request.method === 'HEAD' || request.caller !== undefined) return
    missingKey()
  }
  request.caller = callerOf(accounts.identify(authorization), accounts.till)
  rate.take(request.caller.key, request.caller.perMinute, reply)
}

function tellBalance({ wallet }: Caller, { till }: Accounts, reply: FastifyReply): void {
  if (wallet === HOUSE) return
  const { available } = till.balance(wallet)
  reply.header('x-heurist-balance', formatUsd(available))
  if (available < till.lowMark(wallet)) reply.header('x-heurist-balance-low', 'true')
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whom this request is charged to; absent where none is needed. */
    caller?: Caller
  }
}

/** Every failure leaves in OpenAI's shape; `error` in the log means wake someone. */
export function answerErrors(app: FastifyInstance): void {
  app.setNotFoundHandler(async (request) => {
    throw refused('route.unknown', `Unknown request URL: ${request.method} ${request.url.slice(0, 200)}`, {
      fix: 'This door offers /v1/models and, under /v1: /chat/completions, /completions, /responses, /embeddings, /images/generations.',
    })
  })
  app.setErrorHandler(async (thrown: FastifyError, request, reply) =>
    sendError(fromDoor(thrown), request, reply),
  )
}

export async function sendError(error: HeuristError, request: FastifyRequest, reply: FastifyReply) {
  const answer = toOpenAi(error)
  logError(error, request)
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', answer.retryAfterSeconds)
  return reply.code(answer.status).send(answer.body)
}

export function logError(error: HeuristError, request: FastifyRequest): void {
  const level = { refused: 'info', later: 'warn', bug: 'error' } as const
  request.log[level[error.kind]]({ event: 'call.failed', ...error.toJSON(), err: error.cause }, error.code)
}

/** What Fastify refuses before a handler runs, in our words. */
export function fromDoor(thrown: FastifyError): HeuristError {
  const status = thrown.statusCode ?? 500
  if (thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return refused('body.too_large', `The body is larger than ${MAX_BODY_BYTES} bytes`)
  }
  if (thrown.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return refused('body.unsupported_type', 'The body must be JSON', {
      fix: "Send it with 'content-type: application/json'.",
    })
  }
  if (thrown instanceof SyntaxError || thrown.code?.startsWith('FST_ERR_CTP_')) {
    return refused('body.malformed', `The body is not valid JSON: ${thrown.message}`)
  }
  if (status >= 400 && status < 500 && thrown.code?.startsWith('FST_')) {
    return refused('body.malformed', thrown.message)
  }
  return asHeuristError(thrown)
}

/** What Node's HTTP parser refuses, before there is a request: the raw answer to write to the socket. */
export function parserAnswer(code: string | undefined): string {
  const error =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? refused('request.too_slow', 'The request took too long to arrive', { fix: 'Try again.' })
      : code === 'HPE_HEADER_OVERFLOW'
        ? refused('header.too_large', 'The headers are too large')
        : refused('body.malformed', 'This is not an HTTP request that can be read')
  const { status, body } = toOpenAi(error)
  const text = JSON.stringify(body)
  const head = [
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ]
  const reason =
    { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[status] ?? ''
  return `HTTP/1.1 ${status} ${reason}\r\n${head.join('\r\n')}\r\n\r\n${text}`
}
