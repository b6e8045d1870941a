import { z } from 'zod'
import { asHeuristError, bug, type ErrorBody, fromErrorBody, later } from './errors.ts'
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

export function createTransport(routerUrl: string): Transport {
  const base = routerUrl.replace(/\/+$/, '')

  async function ask(path: string, init: RequestInit): Promise<Response> {
    let response: Response
    try {
      response = await fetch(base + path, init)
    } catch (cause) {
      if (init.signal?.aborted && isAbort(cause)) throw cause
      throw later('router.unreachable', `no router answers at ${base}`, {
        fix: 'Check the router URL and try again.',
        cause,
      })
    }
    if (!response.ok) throw await errorOf(response)
    return response
  }

  const post = (job: Job, accept: string, signal?: AbortSignal) =>
    ask('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: toWire(job),
      ...(signal ? { signal } : {}),
    })

  return {
    async get(path, schema) {
      const response = await ask(path, { signal: AbortSignal.timeout(DOCUMENT_MS) })
      return parseWire(schema, await response.json(), 'router.unreadable')
    },
    async bytes(path) {
      const response = await ask(path, { signal: AbortSignal.timeout(DOCUMENT_MS) })
      return new Uint8Array(await response.arrayBuffer())
    },
    async run(job, signal) {
      const response = await post(job, 'application/json', signal)
      const body = await response.json().catch((cause: unknown) => {
        throw broken(cause)
      })
      const {
        output,
        mediaType: _,
        request: __,
        ...answer
      } = parseWire(wholeSchema, body, 'router.unreadable')
      return { bytes: fromBase64(output), answer }
    },
    async *stream(job, signal) {
      const response = await post(job, 'text/event-stream', signal)
      if (!response.body) throw bug('router.unreadable', 'the router answered a stream without a body')
      for await (const { event, data } of serverEvents(response.body)) {
        const read = eventOf(event, data)
        if (read) yield read
        if (event === 'receipt') return
      }
      throw broken()
    },
  }
}

export const isAbort = (cause: unknown): boolean => cause instanceof Error && cause.name === 'AbortError'

const broken = (cause?: unknown) =>
  later('stream.broken', 'the router closed the connection before the receipt', {
    fix: 'Send the same request again: it gives the same answer and is charged at most once.',
    ...(cause === undefined ? {} : { cause }),
  })

async function errorOf(response: Response): Promise<Error> {
  try {
    const { error } = (await response.json()) as { error: ErrorBody }
    return fromErrorBody(error)
  } catch {
    return bug('router.unreadable', `the router answered ${response.status} without saying why`)
  }
}

function eventOf(event: string, data: string): JobEvent | undefined {
  const value: unknown = JSON.parse(data)
  if (event === 'error') throw fromErrorBody(value as ErrorBody)
  if (event === 'accepted') return { type: 'accepted', node: Number((value as { node?: number }).node ?? 0) }
  if (event === 'chunk') return { type: 'chunk', bytes: fromBase64((value as { data: string }).data) }
  if (event === 'receipt') {
    return { type: 'receipt', answer: parseWire(countersignedSchema, value, 'router.unreadable') }
  }
  return undefined
}

/** The events of an SSE body; comments and unknown fields are passed over. */
async function* serverEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<{ event: string; data: string }> {
  const reader = body.getReader()
  const utf8 = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw isAbort(cause) ? cause : broken(cause)
      })
      if (done) return
      rest += utf8.decode(value, { stream: true }).replaceAll('\r\n', '\n')
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const field = (name: string) =>
          block
            .split('\n')
            .filter((line) => line.startsWith(`${name}:`))
            .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
            .join('\n')
        const data = field('data')
        if (data !== '') yield { event: field('event') || 'message', data }
      }
    }
  } finally {
    // Whoever stops reading leaves: the router must see the connection end.
    await reader.cancel().catch(() => undefined)
  }
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at)
  return bytes
}

/** Whether sending the same request again could still give its answer. */
export const mayRetry = (cause: unknown): boolean =>
  ['stream.broken', 'router.unreachable'].includes(asHeuristError(cause).code)
