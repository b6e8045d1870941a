import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import { refused } from '../../sdk/errors.ts'

/** A stream of OpenAI events to one caller. */
export interface Events {
  /**
   * Waits while the caller reads slower than the network answers.
   *
   * @param event  Its name, in APIs that name their events.
   * @throws `call.left` (refused).
   */
  send(data: unknown, event?: string): Promise<void>
  /** A line that SSE clients skip. */
  comment(text: string): void
  /** `[DONE]`, then the end. */
  done(): void
  /** The end of an API without `[DONE]`. */
  end(): void
  /** The error events, then the end; no `[DONE]`, so that nobody takes the answer for whole. */
  fail(...frames: readonly { data: unknown; event?: string }[]): void
}

/** The bytes of a stream of events. */
export interface EventStream {
  /** Waits while the caller reads slower than the network answers. @throws `call.left` (refused). */
  write(text: string): Promise<void>
  /** Without waiting: for what nobody misses. */
  push(text: string): void
  end(text?: string): void
}

/** Sends the headers now; from here on failures are events. */
export function openEventStream(reply: FastifyReply): EventStream {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'openai-processing-ms': String(Math.round(reply.elapsedTime)),
  })

  // One wait for all who wait: the choices of a call write side by side.
  let room: Promise<unknown> | undefined
  const roomAgain = () => {
    room ??= drained(raw).finally(() => {
      room = undefined
    })
    return room
  }

  return {
    async write(text) {
      if (raw.destroyed) throw refused('call.left', 'the caller left')
      if (!raw.write(text)) await roomAgain()
    },
    push: (text) => void (raw.destroyed || raw.write(text)),
    end: (text) => void raw.end(text),
  }
}

/** OpenAI's events on it. */
export function openEvents(reply: FastifyReply): Events {
  const stream = openEventStream(reply)
  return {
    send: (data, event) => stream.write(frame(data, event)),
    comment: (text) => stream.push(`: ${text}\n\n`),
    done: () => stream.end('data: [DONE]\n\n'),
    end: () => stream.end(),
    fail: (...frames) => stream.end(frames.map(({ data, event }) => frame(data, event)).join('')),
  }
}

/** Until the caller has read on, or left. */
async function drained(raw: FastifyReply['raw']): Promise<void> {
  const either = new AbortController()
  const { signal } = either
  await Promise.race([once(raw, 'drain', { signal }), once(raw, 'close', { signal })]).finally(() =>
    either.abort(),
  )
}

const frame = (data: unknown, event: string | undefined): string =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`
