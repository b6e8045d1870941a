import type { Http } from '../http.ts'

/** No answer of a chain's node is larger, as viem has it. Bytes. */
const MOST_BYTES = 10 * 1024 * 1024

/**
 * What viem asks a chain's node with in a server: `fetch` and its streams cost twice as much. Of a response it has what viem reads,
 * its text instead of its stream.
 *
 * @throws what `http` does, and an Error if the answer is too large.
 */
export const rpcFetch =
  (http: Http): typeof fetch =>
  async (url, init) => {
    const { status, header, body } = await http(String(url), {
      method: 'POST',
      headers: init?.headers as Record<string, string>,
      body: String(init?.body),
      ...(init?.signal ? { signal: init.signal } : {}),
    })
    const parts: Uint8Array[] = []
    let size = 0
    for await (const part of body) {
      size += part.length
      if (size > MOST_BYTES) throw new Error(`the answer has more than ${MOST_BYTES} bytes`)
      parts.push(part)
    }
    const text = Buffer.concat(parts).toString('utf8')
    const headers = { get: (name: string) => header(name.toLowerCase()) ?? null }
    const ok = status >= 200 && status < 300
    return { ok, status, statusText: '', headers, body: null, text: async () => text } as unknown as Response
  }
