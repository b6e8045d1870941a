import type { FastifyReply } from 'fastify'
import { type HeuristError, later } from '../../../sdk/errors.ts'
import { openEventStream } from '../sse.ts'
import { toWireError } from './errors.ts'
import type { LlmJob } from './submit.ts'

/** A language job that was submitted and whose stream nobody has opened yet. Nothing is paid for it. */
export interface Pending {
  consumer: string
  job: LlmJob
  pod: string
  until: number
  opened: boolean
}

/** Of all consumers: a few thousand bytes each. */
const MOST_PENDING = 1_000

export interface PendingStreams {
  /** @throws `queue.full` (later). */
  add(pending: Omit<Pending, 'opened'>): void
  find(consumer: string, job: string): Pending | undefined
  remove(consumer: string, job: string): void
}

export function openPending(now: () => number = Date.now): PendingStreams {
  const all = new Map<string, Pending>()
  return {
    add(pending) {
      for (const [key, { until, opened }] of all) if (!opened && until < now()) all.delete(key)
      if (all.size >= MOST_PENDING) {
        throw later('queue.full', 'Too many streams wait to be opened', { fix: 'Try again shortly.' })
      }
      all.set(`${pending.consumer} ${pending.job.id}`, { ...pending, opened: false })
    },
    find(consumer, job) {
      const found = all.get(`${consumer} ${job}`)
      return found === undefined || (!found.opened && found.until < now()) ? undefined : found
    },
    remove: (consumer, job) => void all.delete(`${consumer} ${job}`),
  }
}

/** The stream of one language job: text in `data:` fields, `[DONE]` at the end. */
export interface TextEvents {
  /** Waits while the caller reads slower than the network answers. @throws `call.left` (refused). */
  send(text: string): Promise<void>
  done(): void
  /** An `error` event and the end; no `[DONE]`, so that nobody takes the answer for whole. */
  fail(error: HeuristError): void
}

/** Sends the headers now; from here on failures are events. */
export function openTextEvents(reply: FastifyReply): TextEvents {
  const stream = openEventStream(reply)
  return {
    // A text that is the end mark itself comes in two events.
    send: (text) => stream.write((text === '[DONE]' ? ['[DO', 'NE]'] : [text]).map(frame).join('')),
    done: () => stream.end(frame('[DONE]')),
    fail: (error) => stream.end(`event: error\n${frame(JSON.stringify(toWireError(error).body))}`),
  }
}

/** A line break ends a field, so a text with breaks is several; readers join them again. */
const frame = (text: string): string =>
  `${text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`
