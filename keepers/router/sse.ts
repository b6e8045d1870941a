import type { ServerResponse } from 'node:http'
import type { HeuristError } from '../../sdk/errors.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import type { Cancel, Timers } from '../world.ts'
import type { Listener } from './job.ts'

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'access-control-allow-origin': '*',
}

export interface EventStream {
  event(name: string, data: string, written?: () => void): void
  comment(text: string): void
  end(): void
  /** Whether its head has gone out. */
  isOpen(): boolean
  /** Milliseconds since the client last took something while something waited; 0 if nothing waits. */
  stalledMs(nowMs: number): number
}

/** Server-sent events on a raw response. The head goes out with the first event. */
export function eventStream(response: ServerResponse, nowMs: () => number): EventStream {
  let waitingSinceMs: number | undefined
  let waiting = 0

  function write(text: string, written?: () => void): void {
    if (response.writableEnded || response.destroyed) return
    if (!response.headersSent) response.writeHead(200, SSE_HEADERS)
    waiting += 1
    waitingSinceMs ??= nowMs()
    response.write(text, (error) => {
      waiting -= 1
      waitingSinceMs = waiting === 0 ? undefined : nowMs()
      if (!error) written?.()
    })
  }

  return {
    event: (name, data, written) => write(`event: ${name}\ndata: ${data}\n\n`, written),
    comment: (text) => write(`: ${text}\n\n`),
    end: () => void response.end(),
    isOpen: () => response.headersSent,
    stalledMs: (now) => (waitingSinceMs === undefined ? 0 : now - waitingSinceMs),
  }
}

export interface SseListener extends Listener {
  close(): void
}

/**
 * A client that reads a call as it is made. Errors before the first event are told by `refuse`, with their status.
 *
 * @param refuse  Answers the request with an error instead of a stream.
 * @param left    The client has stopped reading for too long.
 */
export function sseListener(
  stream: EventStream,
  timers: Timers,
  times: { keepAliveMs: number; stalledClientMs: number; nowMs: () => number },
  refuse: (error: HeuristError) => void,
  left: () => void,
): SseListener {
  const keepAlive: Cancel = timers.every(times.keepAliveMs, () => stream.comment('keep-alive'))
  const watch: Cancel = timers.every(Math.min(1_000, times.stalledClientMs), () => {
    if (stream.stalledMs(times.nowMs()) >= times.stalledClientMs) left()
  })
  const close = () => {
    keepAlive()
    watch()
  }

  return {
    streaming: true,
    close,
    cut: left,
    accepted: (chosen) => stream.event('accepted', JSON.stringify(chosen)),
    chunk(bytes, flushed) {
      const data = JSON.stringify({ data: Buffer.from(bytes).toString('base64') })
      stream.event('chunk', data, flushed)
    },
    finished({ countersigned }) {
      close()
      stream.event('receipt', toWire(countersigned))
      stream.end()
    },
    failed(error) {
      close()
      if (!stream.isOpen()) return refuse(error)
      stream.event('error', JSON.stringify(error.toJSON()))
      stream.end()
    },
  }
}
