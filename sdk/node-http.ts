import { Agent, type Dispatcher } from 'undici'
import type { Http, HttpAnswer } from './http.ts'

/** An answer that comes faster than it is read waits in its socket beyond this. Bytes. */
const MOST_WAITING = 64 * 1024
/** Why a connection is closed whose answer was not read to its end. */
const LEFT = new Error('the answer was left')

/**
 * HTTP for processes with many calls at once (Node only): undici's dispatcher, without the streams that its `request` puts
 * around an answer and without `fetch`, which puts more. Connections are kept and shared. A router may be silent for as long
 * as its job takes: the caller's signal ends a call, not a clock of the connection's.
 */
export function nodeHttp(): Http {
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 })
  return (url, { method = 'GET', headers = {}, body = null, signal }) =>
    new Promise((resolve, reject) => {
      const { origin, pathname, search } = new URL(url)
      const question = { origin, path: pathname + search, method, headers, body }
      agent.dispatch(question, exchange(resolve, reject, signal))
    })
}

/** Parts of one answer that came and are not read yet. */
interface Arriving {
  waiting: Uint8Array[]
  /** Bytes. */
  size: number
  /** Set once nothing more comes; with a cause if that is not how an answer ends. */
  end: { cause?: unknown } | undefined
  wake: () => void
  resume: () => void
  /** Harmless after the end. */
  leave: (cause: unknown) => void
}

/**
 * What arrives, as it is read. Stands by itself: a generator that is made anew within each call has a hidden class of its own,
 * which V8 drops only with its old generation, and the whole call with it.
 */
async function* partsOf(arriving: Arriving): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const next = arriving.waiting
      arriving.waiting = []
      arriving.size = 0
      arriving.resume()
      yield* next
      if (next.length > 0) continue
      const { end } = arriving
      if (end !== undefined && 'cause' in end) throw end.cause
      if (end !== undefined) return
      await new Promise<void>((resolve) => {
        arriving.wake = resolve
      })
    }
  } finally {
    arriving.leave(LEFT)
  }
}

/** One answer, as undici tells it. */
function exchange(
  answered: (answer: HttpAnswer) => void,
  failed: (cause: unknown) => void,
  signal: AbortSignal | undefined,
): Dispatcher.DispatchHandler {
  let controller: Dispatcher.DispatchController | undefined
  const arriving: Arriving = {
    waiting: [],
    size: 0,
    end: undefined,
    wake: () => {},
    resume: () => controller?.resume(),
    leave,
  }

  function close(how: { cause?: unknown }): void {
    if (arriving.end !== undefined) return
    arriving.end = how
    signal?.removeEventListener('abort', aborted)
    if ('cause' in how) failed(how.cause)
    arriving.wake()
  }

  function leave(cause: unknown): void {
    if (arriving.end !== undefined) return
    close({ cause })
    controller?.abort(cause as Error)
  }
  const aborted = () => leave(signal?.reason)

  if (signal?.aborted) aborted()
  else signal?.addEventListener('abort', aborted)
  return {
    onRequestStart(started) {
      controller = started
      if (arriving.end !== undefined) started.abort(arriving.end.cause as Error)
    },
    onResponseStart(_, status, headers) {
      if (status < 200) return
      const header = (name: string) => {
        const value = headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      }
      answered({ status, header, body: partsOf(arriving) })
    },
    onResponseData(started, bytes) {
      arriving.waiting.push(bytes)
      arriving.size += bytes.length
      if (arriving.size > MOST_WAITING) started.pause()
      arriving.wake()
    },
    onResponseEnd: () => close({}),
    onResponseError: (_, cause) => close({ cause }),
  }
}
