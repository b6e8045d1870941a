import { STATUS_CODES } from 'node:http'
import { constants, gunzipSync } from 'node:zlib'
import type { Http, HttpRequest } from '../http.ts'

/** As viem has it. Bytes. */
const MOST_BYTES = 10 * 1024 * 1024
const MOST_REDIRECTS = 5
const UNZIP = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 * MOST_BYTES }
/** What keeps a question a question of the same kind where it leads elsewhere. */
const REDIRECTS = new Set([307, 308])
/** Some nodes stand behind what lets nobody through who does not say what it is. */
const OURS = { 'user-agent': 'heurist', accept: 'application/json', 'accept-encoding': 'identity' }

/**
 * What viem asks a chain's node with in a server (Node only): `fetch` and its streams cost twice as much. Of a response it has
 * what viem reads, its text instead of its stream; of one that is too large, as much as makes viem refuse it.
 *
 * @throws what `http` does.
 */
export const rpcFetch =
  (http: Http): typeof fetch =>
  async (asked, init) => {
    const { authorization, ...others } = lowered(init?.headers as Record<string, string>)
    const headers = { ...OURS, ...others, ...(authorization === undefined ? {} : { authorization }) }
    const question: HttpRequest = { method: 'POST', headers, body: String(init?.body) }
    if (init?.signal) question.signal = init.signal
    let url = String(asked)
    for (let redirects = 0; ; redirects += 1) {
      const { status, header, body } = await http(url, question)
      const bytes = await bytesOf(body)
      const location = header('location')
      if (REDIRECTS.has(status) && location !== undefined && redirects < MOST_REDIRECTS) {
        const next = new URL(location, url)
        // Its password is for the node that was asked, nobody else.
        if (next.origin !== new URL(url).origin) question.headers = { ...OURS, ...others }
        url = next.href
        continue
      }
      const text = textOf(bytes, header('content-encoding') === 'gzip')
      const ok = status >= 200 && status < 300
      // Its length is told by its text: what viem refuses by this header it never reads, and the line would wait for ever.
      const get = (name: string) =>
        /^content-length$/i.test(name) ? null : (header(name.toLowerCase()) ?? null)
      const answer = { ok, status, statusText: STATUS_CODES[status] ?? '', headers: { get }, body: null }
      return { text: async () => text, ...answer } as unknown as Response
    }
  }

const lowered = (headers: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    parts.push(part)
    size += part.length
    if (size > MOST_BYTES) break
  }
  return Buffer.concat(parts)
}

/** @param isZipped  Whatever it was asked for; of one that was cut, what can be read. */
function textOf(bytes: Uint8Array, isZipped: boolean): string {
  const whole = isZipped && bytes.length > 0 ? gunzipSync(bytes, UNZIP) : bytes
  return new TextDecoder().decode(whole)
}
