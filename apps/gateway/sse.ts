import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import { refused } from '../../sdk/errors.ts'

/** A stream of OpenAI events to one caller. */
export interface Events {
  /** Waits while the caller reads slower than the network answers. @throws `call.left` (refused). */
  send(data: unknown): Promise<void>
  /** A line that SSE clients skip. */
  comment(text: string): void
  done(): void
  /** The error event, then the end; no `[DONE]`, so that nobody takes the answer for whole. */
  fail(data: unknown): void
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

  return {
    async send(data) {
      if (raw.destroyed) throw refused('call.left', 'the caller left')
      if (!write(`data: ${JSON.stringify(data)}\n\n`)) {
        const either = new AbortController()
        const { signal } = either
        await Promise.race([once(raw, 'drain', { signal }), once(raw, 'close', { signal })]).finally(() =>
          either.abort(),
        )
      }
    },
    comment: (text) => void write(`: ${text}\n\n`),
    done: () => void raw.end('data: [DONE]\n\n'),
    fail: (data) => void raw.end(`data: ${JSON.stringify(data)}\n\n`),
  }
}
