import { bug } from './errors.ts'

export interface ServerEvent {
  event: string
  data: string
}

/** One event is a chunk of output at most: more without an end is no stream of events. Characters. */
const MOST_BUFFERED = 16 * 1024 * 1024

/**
 * The events of a `text/event-stream` body; comments and unknown fields are passed over, an unfinished event at the end
 * is dropped. Whoever stops reading closes the connection, so that the other side sees it leave.
 *
 * @throws `router.unreadable` (bug) if an event has no end.
 * @source WHATWG HTML, server-sent events, with LF and CRLF line ends.
 */
export async function* serverEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const utf8 = new TextDecoder()
  let rest = ''
  let event = ''
  let data: string[] = []
  for await (const value of body) {
    const lines = (rest + utf8.decode(value, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MOST_BUFFERED) throw bug('router.unreadable', 'an event of the stream has no end')
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
      if (line === '') {
        if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
        event = ''
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const text = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') event = text
      if (field === 'data') data.push(text)
    }
  }
}
