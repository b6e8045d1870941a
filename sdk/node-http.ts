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

/** One answer, as undici tells it; its parts wait here until they are read. */
function exchange(
  answered: (answer: HttpAnswer) => void,
  failed: (cause: unknown) => void,
  signal: AbortSignal | undefined,
): Dispatcher.DispatchHandler {
  let controller: Dispatcher.DispatchController | undefined
  let waiting: Uint8Array[] = []
  let size = 0
  let end: { cause?: unknown } | undefined
  let wake = () => {}

  function close(how: { cause?: unknown }): void {
    if (end !== undefined) return
    end = how
    signal?.removeEventListener('abort', aborted)
    if ('cause' in how) failed(how.cause)
    wake()
  }

  function leave(cause: unknown): void {
    if (end !== undefined) return
    close({ cause })
    controller?.abort(cause as Error)
  }
  const aborted = () => leave(signal?.reason)

  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = waiting
        waiting = []
        size = 0
        controller?.resume()
        yield* next
        if (next.length > 0) continue
        if (end !== undefined && 'cause' in end) throw end.cause
        if (end !== undefined) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      leave(LEFT)
    }
  }

  if (signal?.aborted) aborted()
  else signal?.addEventListener('abort', aborted)
  return {
    onRequestStart(started) {
      controller = started
      if (end !== undefined) started.abort(end.cause as Error)
    },
    onResponseStart(_, status, headers) {
      if (status < 200) return
      const header = (name: string) => {
        const value = headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      }
      answered({ status, header, body: parts() })
    },
    onResponseData(started, bytes) {
      waiting.push(bytes)
      size += bytes.length
      if (size > MOST_WAITING) started.pause()
      wake()
    },
    onResponseEnd: () => close({}),
    onResponseError: (_, cause) => close({ cause }),
  }
}
