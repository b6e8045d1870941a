import {
  request as ask,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext } from 'playwright-core'

/** Between two events of a stream: so long that a busy machine, too, gets to do something in between. Milliseconds. */
const PAUSE_MS = 2_000

async function slowly(answer: IncomingMessage, outgoing: ServerResponse, pauseMs: number): Promise<void> {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  outgoing.flushHeaders()
  let text = ''
  for await (const part of answer) {
    text += String(part)
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      outgoing.write(text.slice(0, end + 2))
      text = text.slice(end + 2)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  outgoing.end(text)
}

/**
 * Puts a slow line between the pages of a context and the router: the events of an answer come one by one. Who leaves
 * on this side leaves on the other.
 */
export async function slowLine(
  context: BrowserContext,
  routerUrl: string,
  pauseMs = PAUSE_MS,
): Promise<{ close(): Promise<void> }> {
  const server: Server = createServer((incoming, outgoing) => {
    const upstream = ask(new URL(incoming.url ?? '/', routerUrl), {
      method: incoming.method ?? 'POST',
      headers: { ...incoming.headers, host: new URL(routerUrl).host },
    })
    upstream.on(
      'response',
      (answer) => void slowly(answer, outgoing, pauseMs).catch(() => outgoing.destroy()),
    )
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await context.route('**/v1/jobs', (route) => route.continue({ url: `http://127.0.0.1:${port}/v1/jobs` }))
  return {
    async close() {
      await context.unroute('**/v1/jobs')
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
