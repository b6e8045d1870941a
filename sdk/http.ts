/** HTTP as a transport needs it: one question, an answer whose body is read piece by piece. */
export interface HttpRequest {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
}

export interface HttpAnswer {
  status: number
  /** @param name  In lower case. */
  header(name: string): string | undefined
  /** Read once. Whoever stops early closes the connection, so that the other side sees it leave. */
  body: AsyncIterable<Uint8Array>
}

/** @throws whatever is wrong with the connection, before the answer's head and while its body is read. */
export type Http = (url: string, request: HttpRequest) => Promise<HttpAnswer>

/** By `fetch`: in browsers and everywhere else. Servers with many calls take `nodeHttp` of sdk/node-http.ts. */
export const fetchHttp: Http = async (url, request) => {
  const response = await fetch(url, request)
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: partsOf(response.body),
  }
}

async function* partsOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  try {
    for (;;) {
      const read = await reader?.read()
      if (!read?.value) return
      yield read.value
    }
  } finally {
    await reader?.cancel().catch(() => undefined)
  }
}

/** Where a URL leads, without the secrets that it may hold: whoever reads an error may be a stranger. */
export const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : 'what is no URL')
