import { connect } from 'node:net'

/** One request on a connection of its own, with headers that `fetch` does not send. */
export interface RawRequest {
  /** The caller's port: as the door knows the connection. */
  readonly port: Promise<number>
  /** Everything that came until the connection ended. */
  readonly answer: Promise<string>
  /** Breaks the connection. */
  leave(): void
}

export function rawPost(
  url: string,
  body: object,
  { host = 'localhost', ...headers }: Record<string, string> = {},
): RawRequest {
  const { hostname, port, pathname } = new URL(url)
  const text = JSON.stringify(body)
  const head = {
    Host: host,
    Connection: 'close',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
    ...headers,
  }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(Number(port), hostname)
  socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${text}`)
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes
  })
  // A connection that breaks has an end as well.
  socket.on('error', () => undefined)
  return {
    port: new Promise((resolve) => socket.once('connect', () => resolve(socket.localPort ?? 0))),
    answer: new Promise((resolve) => socket.once('close', () => resolve(received))),
    leave: () => void socket.destroy(),
  }
}

/** Status and error of a raw answer. */
export function refusalIn(answer: string): { status: number; code?: string; param?: string } {
  const { error } = JSON.parse(/\{.*\}/s.exec(answer)?.[0] ?? '{}') as {
    error?: { code: string; param: string } | string
  }
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
  return typeof error === 'object' ? { status, code: error.code, param: error.param } : { status }
}
