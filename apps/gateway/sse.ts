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

/** Sends the headers now; from here on failures are events. */
export function openEvents(reply: FastifyReply): Events {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'openai-processing-ms': String(Math.round(reply.elapsedTime)),
  })
  const write = (text: string): boolean => raw.destroyed || raw.write(text)

  // One wait for all who wait: the choices of a call write side by side.
  let room: Promise<unknown> | undefined
  const roomAgain = () => {
    room ??= drained(raw).finally(() => {
      room = undefined
    })
    return room
  }

  return {
    async send(data, event) {
      if (raw.destroyed) throw refused('call.left', 'the caller left')
      if (!write(frame(data, event))) await roomAgain()
    },
    comment: (text) => void write(`: ${text}\n\n`),
    done: () => void raw.end('data: [DONE]\n\n'),
    end: () => void raw.end(),
    fail: (...frames) => void raw.end(frames.map(({ data, event }) => frame(data, event)).join('')),
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
