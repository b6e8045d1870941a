import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { WebSocketServer } from 'ws'
import { asHeuristError, bug, HeuristError, refused } from '../../sdk/errors.ts'
import { householdOf } from '../../sdk/household.ts'
import { MAX_FRAME_BYTES } from '../../sdk/protocol/frames.ts'
import { LINK_PATH, LINK_PROTOCOL } from '../../sdk/protocol/link.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import type { Wire, World } from '../world.ts'
import type { Admit, Joined } from './admit.ts'
import type { Limits } from './config.ts'
import { retryAfterOf, statusOf } from './doors.ts'
import type { Feed } from './feed.ts'
import type { Listener } from './job.ts'
import type { Metrics } from './metrics.ts'
import { eventStream, sseListener } from './sse.ts'
import type { Views } from './views.ts'
import { wireOf } from './wire.ts'

/** A job body may not be larger. */
export const MOST_BODY_BYTES = 1024 * 1024
/** A client has so long to send its request; answers take as long as they take. */
const MOST_REQUEST_MS = 30_000
/** How long a closing router waits for its last answers to be taken. */
const CLOSING_MS = 1_000
/** Feed events that may wait for a slow watcher before it is cut off. */
const MOST_FEED_BYTES = 1024 * 1024

interface Deps {
  world: Pick<World, 'clock' | 'timers' | 'log'>
  limits: Limits
  /** Whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
  admit: Admit
  views: Views
  feed: Feed
  metrics: Metrics
  attach(wire: Wire): void
  ready(): { ready: boolean; reasons: string[] }
}

/** The router's doors. */
export function createDoors(deps: Deps): FastifyInstance {
  const app = Fastify({
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: MOST_REQUEST_MS,
    logger: false,
    trustProxy: deps.trustedProxies.length > 0 ? [...deps.trustedProxies] : false,
    forceCloseConnections: 'idle',
  })
  app.removeAllContentTypeParsers()
  // Whatever the client calls it, the body is one JSON text.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.addHook('onSend', async (_, reply) => void reply.header('access-control-allow-origin', '*'))
  app.options('/*', async (_, reply) => {
    reply.headers({
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': 'content-type, accept',
      'access-control-max-age': '86400',
    })
    return reply.code(204).send()
  })
  app.setNotFoundHandler((request) => {
    throw refused('route.unknown', `There is no ${request.method} ${request.url.split('?')[0]} here.`, {
      fix: 'See docs/protocol.md for the routes of a router.',
    })
  })
  app.setErrorHandler((cause, _, reply) => refuse(deps, reply, toOurs(cause)))

  jobs(app, deps)
  documents(app, deps)
  feed(app, deps)
  operations(app, deps)
  workers(app, deps)
  return app
}

/** Fastify's own refusals, in our words; what nobody foresaw is told without its insides. */
function toOurs(cause: unknown): HeuristError {
  if (cause instanceof HeuristError) return cause
  const { statusCode, code } = cause as { statusCode?: number; code?: string }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || statusCode === 413) {
    return refused('body.too_large', `A request body may have ${MOST_BODY_BYTES} bytes.`, {
      fix: 'Send a shorter input.',
      details: { most: MOST_BODY_BYTES },
    })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return refused('request.malformed', asHeuristError(cause).message, { fix: 'See docs/protocol.md.' })
  }
  return asHeuristError(cause)
}

function refuse(
  { world, metrics }: Pick<Deps, 'world' | 'metrics'>,
  reply: FastifyReply,
  error: HeuristError,
) {
  const status = statusOf(error)
  const retryAfter = retryAfterOf(error)
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  metrics.refused(error.code)
  if (status < 500 || error.kind === 'later') return reply.code(status).send({ error: error.toJSON() })
  world.log.error({ event: 'unexpected', code: error.code, message: error.message, stack: error.stack ?? '' })
  const shown = bug('unexpected', 'The router failed in a way that it did not foresee.', {
    fix: 'Try again, and report it with the time of day.',
  })
  return reply.code(500).send({ error: shown.toJSON() })
}

function parseBody(body: unknown): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body as Uint8Array)
    return JSON.parse(text)
  } catch {
    throw refused('request.malformed', 'The body is not JSON in UTF-8.', { fix: 'Send one JSON object.' })
  }
}

// ------------------------------------------------------------------------------------------------------ jobs

function jobs(app: FastifyInstance, deps: Deps): void {
  app.post('/v1/jobs', async (request, reply) => {
    const body = parseBody(request.body)
    const wantsStream = (request.headers.accept ?? '').includes('text/event-stream')
    return wantsStream ? answerStream(deps, body, reply) : answerWhole(deps, body, reply)
  })
}

/** Tells when the client has gone before its answer did. */
const onLeft = (response: ServerResponse, run: () => void) =>
  response.once('close', () => {
    if (!response.writableFinished) run()
  })

async function answerWhole({ admit }: Deps, body: unknown, reply: FastifyReply): Promise<FastifyReply> {
  let joined: Joined | undefined
  let left = false
  onLeft(reply.raw, () => {
    left = true
    joined?.leave()
  })
  const json = await new Promise<string>((resolve, reject) => {
    const listener: Listener = {
      streaming: false,
      accepted() {},
      chunk: (_, flushed) => flushed(),
      finished({ request, mediaType, output, countersigned }) {
        const text = Buffer.from(output.buffer, output.byteOffset, output.length).toString('base64')
        resolve(toWire({ request, mediaType, output: text, ...countersigned }))
      },
      failed: reject,
    }
    admit(body, listener).then((done) => {
      joined = done
      if (left) done.leave()
    }, reject)
  })
  return reply.header('content-type', 'application/json; charset=utf-8').send(json)
}

async function answerStream(deps: Deps, body: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const { world, limits, admit } = deps
  const nowMs = () => world.clock.nowMs()
  const stream = eventStream(reply.raw, nowMs)
  let joined: Joined | undefined
  let left = false

  await new Promise<void>((resolve, reject) => {
    const listener = sseListener(
      stream,
      world.timers,
      { ...limits, nowMs },
      // Nothing was written yet: fastify answers with the error's status.
      (error) => reject(error),
      () => reply.raw.destroy(),
    )
    onLeft(reply.raw, () => {
      left = true
      listener.close()
      joined?.leave()
      resolve()
    })
    reply.raw.once('finish', resolve)
    admit(body, {
      ...listener,
      accepted(chosen) {
        if (!reply.sent) reply.hijack()
        listener.accepted(chosen)
      },
    }).then(
      (done) => {
        joined = done
        if (left) done.leave()
      },
      (cause: unknown) => {
        listener.close()
        if (stream.isOpen()) listener.failed(asHeuristError(cause))
        else reject(cause)
      },
    )
  })
  if (!reply.sent) reply.hijack()
  return reply
}

// ------------------------------------------------------------------------------------------------- documents

/** Whoever comes from this very machine is a gateway or a proxy of many, and not told apart. */
function askerOf({ ip }: FastifyRequest): string | undefined {
  const household = householdOf(ip)
  return ip === '::1' || household.startsWith('127.') ? undefined : household
}

function documents(app: FastifyInstance, { views }: Deps): void {
  const document = (path: string, read: (request: FastifyRequest) => Promise<unknown>) =>
    app.get(path, async (request, reply) => {
      const body = toWire(await read(request))
      return reply.header('content-type', 'application/json; charset=utf-8').send(body)
    })
  const param = (request: FastifyRequest, name: string) =>
    (request.params as Record<string, string>)[name] ?? ''
  const query = (request: FastifyRequest) => request.query as Record<string, string | string[] | undefined>

  document('/v1/network', () => views.network())
  document('/v1/quote', (request) => views.quote(query(request)))
  document('/v1/pods', () => views.pods())
  document('/v1/pods/:pod', (request) => views.pod(param(request, 'pod')))
  document('/v1/nodes', () => views.nodes())
  document('/v1/accounts/:payer', (request) => views.account(param(request, 'payer')))
  document('/v1/accounts/:payer/leaf', (request) =>
    views.leaf(param(request, 'payer'), query(request), askerOf(request)),
  )
  document('/v1/receipts', (request) => views.receipts(query(request)))
  document('/v1/receipts/:request', (request) => views.receipt(param(request, 'request'), askerOf(request)))
  document('/v1/statements/:role/:id', (request) =>
    views.statement(param(request, 'role'), param(request, 'id')),
  )
  document('/v1/batches', (request) => views.batches(query(request)))
  app.get('/v1/pods/:pod/manifest', async (request, reply) => {
    const bytes = await views.manifest(param(request, 'pod'), query(request).version)
    return reply.header('content-type', 'text/yaml; charset=utf-8').send(Buffer.from(bytes))
  })
  const bytes = (path: string, read: (request: FastifyRequest) => Promise<Uint8Array>) =>
    app.get(path, async (request, reply) => {
      const { buffer, byteOffset, length } = await read(request)
      return reply.header('content-type', 'application/json').send(Buffer.from(buffer, byteOffset, length))
    })
  bytes('/v1/batches/:seq', (request) => views.batchIndex(param(request, 'seq')))
  bytes('/v1/batches/:seq/parts/:part', (request) =>
    views.batchPart(param(request, 'seq'), param(request, 'part'), askerOf(request)),
  )
}

function feed(app: FastifyInstance, { feed, world, limits }: Deps): void {
  const watchers = new Set<ServerResponse>()
  app.get('/v1/feed', (_, reply) => {
    reply.hijack()
    const stream = eventStream(reply.raw, () => world.clock.nowMs())
    stream.comment('live')
    const stop = feed.subscribe((json) => {
      if (reply.raw.writableLength > MOST_FEED_BYTES) return void reply.raw.destroy()
      stream.event('message', json)
    })
    const keepAlive = world.timers.every(limits.keepAliveMs, () => stream.comment('keep-alive'))
    reply.raw.once('close', () => {
      stop()
      keepAlive()
    })
    watchers.add(reply.raw)
    reply.raw.once('close', () => watchers.delete(reply.raw))
  })
  // Answers that are on their way are waited for; those who watch would watch for ever.
  app.addHook('preClose', async () => {
    for (const watcher of watchers) watcher.end()
  })
}

function operations(app: FastifyInstance, { ready, metrics }: Deps): void {
  app.get('/healthz', async () => ({ ok: true }))
  app.get('/readyz', async (_, reply) => {
    const state = ready()
    return reply.code(state.ready ? 200 : 503).send(state)
  })
  app.get('/metrics', async (_, reply) =>
    reply.header('content-type', metrics.register.contentType).send(await metrics.register.metrics()),
  )
}

// --------------------------------------------------------------------------------------------------- workers

/** Workers dial in on the same port. */
function workers(app: FastifyInstance, { attach }: Deps): void {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 2 * MAX_FRAME_BYTES,
    handleProtocols: (offered) => (offered.has(LINK_PROTOCOL) ? LINK_PROTOCOL : false),
  })
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const path = request.url?.split('?')[0]
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    if (path !== LINK_PATH || !offered.includes(LINK_PROTOCOL)) {
      return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => attach(wireOf(webSocket)))
  })
  app.addHook('preClose', async () => {
    for (const socket of sockets.clients) socket.close(1001)
    sockets.close()
    // Whoever does not say goodbye in time, or does not take its answer, is cut off.
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate()
      app.server.closeAllConnections()
    }, CLOSING_MS).unref()
  })
}
