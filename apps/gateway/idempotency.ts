import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bug, refused } from '../../sdk/errors.ts'
import { chargedTo } from './caller.ts'
import type { Store } from './till/store.ts'

/** How long an answer is told again. */
const KEPT_MS = 24 * 3_600_000
const SWEEP_MS = 10 * 60_000
const LONGEST_NAME = 255
const HEADERS = ['content-type', 'x-heurist-price', 'x-heurist-node', 'x-heurist-receipt', 'payment-response']

interface Kept {
  body_hash: string
  status: number | null
  headers: string | null
  body: Buffer | null
}

interface Waiting {
  hash: string
  done: Promise<void>
  end: () => void
}

/**
 * `Idempotency-Key`: of any number of equal requests with one key, at once or within a day, one is carried out and all are
 * answered alike. The same key with another body is refused. A request that failed is carried out again. One that is being
 * carried out goes on when its caller leaves (`leaving` asks), so that who asks again has its answer.
 */
export function keepAnswers(app: FastifyInstance, db: Store, now: () => number = Date.now): void {
  const running = new Map<string, Waiting>()
  const find = db.prepare(
    'SELECT body_hash, status, headers, body FROM answers WHERE key = ? AND name = ? AND made > ?',
  )
  const keep = db.prepare(
    `INSERT INTO answers (key, name, body_hash, made, status, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET body_hash = excluded.body_hash, made = excluded.made, status = excluded.status,
       headers = excluded.headers, body = excluded.body`,
  )
  let swept = 0

  function sweep(): void {
    if (now() < swept + SWEEP_MS) return
    swept = now()
    db.prepare('DELETE FROM answers WHERE made <= ?').run([now() - KEPT_MS])
  }

  app.addHook('preHandler', (request, reply, done) => {
    const name = nameOf(request)
    if (name === undefined) return done()
    return once(name, request, reply)
  })

  async function once(name: string, request: FastifyRequest, reply: FastifyReply) {
    if ((request.body as { stream?: unknown } | null)?.stream === true) {
      throw refused('parameter.unsupported', "'Idempotency-Key' is not supported with 'stream: true'", {
        field: 'Idempotency-Key',
        fix: 'Leave one of them out; a stream that is left costs what was delivered.',
      })
    }
    sweep()
    const { key } = chargedTo(request)
    const hash = createHash('sha256')
      .update(`${request.url}\n${JSON.stringify(request.body)}`)
      .digest('hex')
    for (;;) {
      const other = running.get(`${key} ${name}`)
      if (other === undefined) break
      if (other.hash !== hash) throw reused(name)
      await other.done
    }
    const kept = find.get([key, name, now() - KEPT_MS]) as Kept | undefined
    if (kept === undefined) return begin(request, `${key} ${name}`, hash)
    if (kept.body_hash !== hash) throw reused(name)
    return again(reply, kept)
  }

  function begin(request: FastifyRequest, entry: string, hash: string): void {
    let end = () => {}
    const done = new Promise<void>((resolve) => {
      end = resolve
    })
    running.set(entry, { hash, done, end })
    request.idempotent = { entry, hash }
  }

  // What the handler answers, whether or not its caller is still there to hear it.
  app.addHook('onSend', ({ idempotent }, reply, payload, done) => {
    if (idempotent !== undefined) end(idempotent, reply, payload)
    done(null, payload)
  })

  function end(idempotent: Idempotent, reply: FastifyReply, payload: unknown): void {
    try {
      if (reply.statusCode < 400) remember(idempotent, reply, payload)
    } finally {
      running.get(idempotent.entry)?.end()
      running.delete(idempotent.entry)
    }
  }

  function remember({ entry, hash }: Idempotent, reply: FastifyReply, payload: unknown): void {
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (!Buffer.isBuffer(body)) throw bug('answer.not_whole', 'an answer that cannot be told again')
    const [key = '', name = ''] = entry.split(' ')
    const headers = Object.fromEntries(HEADERS.map((header) => [header, reply.getHeader(header)]))
    keep.run([key, name, hash, now(), reply.statusCode, JSON.stringify(headers), body])
  }
}

function again(reply: FastifyReply, { status, headers, body }: Kept): FastifyReply {
  for (const [name, value] of Object.entries(JSON.parse(headers ?? '{}') as Record<string, string>)) {
    reply.header(name, value)
  }
  return reply
    .header('x-heurist-repeated', 'true')
    .code(status ?? 200)
    .send(body)
}

function nameOf(request: FastifyRequest): string | undefined {
  const name = request.headers['idempotency-key']
  if (name === undefined || request.method !== 'POST') return undefined
  if (typeof name === 'string' && /^[\x21-\x7e]+$/.test(name) && name.length <= LONGEST_NAME) return name
  throw refused('parameter.invalid', `'Idempotency-Key' is 1 to ${LONGEST_NAME} visible characters`, {
    field: 'Idempotency-Key',
  })
}

const reused = (name: string) =>
  refused('request.id_reused', `The idempotency key '${name.slice(0, 64)}' was used for another request`, {
    field: 'Idempotency-Key',
    fix: 'Use a new key for a new request.',
  })

/** The entry that a request answers for all equal ones. */
interface Idempotent {
  entry: string
  hash: string
}

declare module 'fastify' {
  interface FastifyRequest {
    idempotent?: Idempotent
  }
}
