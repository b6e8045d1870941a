import { z } from 'zod'
import { asHeuristError, bug, fromErrorBody, type HeuristError, later } from './errors.ts'
import { serverEvents } from './events.ts'
import { fetchHttp, type Http, type HttpAnswer, type HttpRequest, originOf } from './http.ts'
import {
  type Countersigned,
  countersignedSchema,
  hashSchema,
  type Job,
  parseWire,
  toWire,
} from './protocol/wire.ts'

/** HTTP to one router: plain documents, jobs as one answer, jobs as a stream of server-sent events. */

export type JobEvent =
  | { type: 'accepted'; node: number }
  | { type: 'chunk'; bytes: Uint8Array }
  | { type: 'receipt'; answer: Countersigned }

const wholeSchema = countersignedSchema.extend({
  request: hashSchema,
  mediaType: z.string(),
  output: z.base64(),
})

const acceptedSchema = z.looseObject({ node: z.number() })
const chunkSchema = z.looseObject({ data: z.base64() })

const errorSchema = z.object({
  code: z.string().regex(/^[a-z0-9_]+(\.[a-z0-9_]+)*$/),
  kind: z.enum(['refused', 'later', 'bug']),
  message: z.string(),
  fix: z.exactOptional(z.string()),
  field: z.exactOptional(z.string()),
  details: z.exactOptional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
})

export interface Transport {
  /** @throws what the router says; `router.unreachable` (later); `router.unreadable` (bug). */
  get<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>>
  bytes(path: string): Promise<Uint8Array>
  run(job: Job, signal?: AbortSignal): Promise<{ bytes: Uint8Array; answer: Countersigned }>
  /** Ends after the receipt; throws what an `error` event says, `stream.broken` (later) if it just ends. */
  stream(job: Job, signal?: AbortSignal): AsyncGenerator<JobEvent>
}

/** A document answers within this, or the router counts as unreachable. Jobs have their own deadlines. */
const DOCUMENT_MS = 15_000
/** No document of a router is larger. Bytes. */
const DOCUMENT_BYTES = 8 * 1024 * 1024
/** No output is larger: base64 of the largest frame a worker may send many times over. Bytes. */
const ANSWER_BYTES = 256 * 1024 * 1024

export function createTransport(routerUrl: string, http: Http = fetchHttp): Transport {
  const base = routerUrl.replace(/\/+$/, '')

  async function ask(path: string, request: HttpRequest): Promise<HttpAnswer> {
    let answer: HttpAnswer
    try {
      answer = await http(base + path, request)
    } catch (cause) {
      throw unreachable(base, cause)
    }
    if (answer.status < 200 || answer.status > 299) throw await errorOf(answer, base)
    return answer
  }

  async function read(path: string): Promise<Uint8Array> {
    const signal = AbortSignal.timeout(DOCUMENT_MS)
    return bodyOf(await ask(path, { signal }), DOCUMENT_BYTES)
  }

  const post = (job: Job, accept: string, signal?: AbortSignal) =>
    ask('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: toWire(job),
      ...(signal ? { signal } : {}),
    })

  return {
    get: async (path, schema) => parseWire(schema, parseJson(await read(path)), 'router.unreadable'),
    bytes: read,
    async run(job, signal) {
      const body = await bodyOf(await post(job, 'application/json', signal), ANSWER_BYTES)
      const whole = parseWire(wholeSchema, parseJson(body), 'router.unreadable')
      const { output, mediaType: _, request: __, ...answer } = whole
      return { bytes: fromBase64(output), answer }
    },
    async *stream(job, signal) {
      const { body } = await post(job, 'text/event-stream', signal)
      try {
        for await (const { event, data } of serverEvents(body)) {
          const read = eventOf(event, parseJson(data))
          if (read) yield read
          if (event === 'receipt') return
        }
      } catch (cause) {
        throw asHeuristError(cause).code === 'unexpected' ? broken(cause) : cause
      }
      throw broken()
    },
  }
}

const broken = (cause?: unknown) =>
  later('stream.broken', 'the router closed the connection before the receipt', {
    fix: 'Send the same request again: it gives the same answer and is charged at most once.',
    ...(cause === undefined ? {} : { cause }),
  })

const unreachable = (base: string, cause: unknown) =>
  later('router.unreachable', `no router answers at ${originOf(base)}`, {
    fix: 'Check the router URL and try again.',
    cause,
  })

const unreadable = (message: string) =>
  bug('router.unreadable', message, { fix: 'Check that the URL is a router of this version.' })

/** What the router says is wrong. A proxy's error page before it says nothing about the job. */
async function errorOf(response: HttpAnswer, base: string): Promise<HeuristError> {
  const body = await bodyOf(response, DOCUMENT_BYTES).catch(() => new Uint8Array())
  let error: z.output<typeof errorSchema>
  try {
    error = errorSchema.parse((parseJson(body) as { error: unknown }).error)
  } catch (cause) {
    if (response.status >= 500 || response.status === 429) {
      return unreachable(base, new Error(`HTTP ${response.status}`, { cause }))
    }
    return unreadable(`the router answered ${response.status} without saying why`)
  }
  const seconds = Number(response.header('retry-after') ?? Number.NaN)
  if (!Number.isFinite(seconds)) return fromErrorBody(error)
  return fromErrorBody({ ...error, details: { ...error.details, retryAfterSeconds: seconds } })
}

/** Reads a body, but not without end. */
async function bodyOf({ body }: HttpAnswer, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of body) {
      size += part.length
      if (size > most) throw unreadable(`the router's answer is larger than ${most} bytes`)
      parts.push(part)
    }
  } catch (cause) {
    throw asHeuristError(cause).code === 'unexpected' ? broken(cause) : cause
  }
  return joinBytes(parts)
}

const utf8 = new TextDecoder()

function parseJson(body: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : utf8.decode(body))
  } catch {
    throw unreadable('the router answered something that is not JSON')
  }
}

function eventOf(event: string, value: unknown): JobEvent | undefined {
  switch (event) {
    case 'error':
      throw fromErrorBody(parseWire(errorSchema, value, 'router.unreadable'))
    case 'accepted':
      return { type: 'accepted', node: parseWire(acceptedSchema, value, 'router.unreadable').node }
    case 'chunk':
      return { type: 'chunk', bytes: fromBase64(parseWire(chunkSchema, value, 'router.unreadable').data) }
    case 'receipt':
      return { type: 'receipt', answer: parseWire(countersignedSchema, value, 'router.unreadable') }
    default:
      return undefined
  }
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at)
  return bytes
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Whether nobody knows what became of the request: it may be running, finished or never arrived. */
export const isUnknown = (cause: unknown): boolean =>
  ['stream.broken', 'router.unreachable', 'router.unreadable'].includes(asHeuristError(cause).code)
