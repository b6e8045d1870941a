import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A way to the router on which calls take as long as a test wants, or break. */
export interface SlowWay {
  readonly url: string
  /** Milliseconds that the next job waits before it reaches the router; undefined: its connection breaks. */
  delay: () => number | undefined
  /** Whether anybody answers at all. */
  isOpen: boolean
  /** Jobs that went through. */
  readonly jobs: { count: number }
  close(): Promise<void>
}

export async function openSlowWay(routerUrl: string): Promise<SlowWay> {
  const { hostname, port } = new URL(routerUrl)
  const jobs = { count: 0 }
  const server: Server = createServer(async (incoming, outgoing) => {
    if (!way.isOpen) return void incoming.socket.destroy()
    const isJob = incoming.method === 'POST' && incoming.url?.startsWith('/v1/jobs')
    const wait = isJob ? way.delay() : 0
    if (wait === undefined) return void incoming.socket.destroy()
    if (isJob) jobs.count += 1
    await new Promise((resolve) => setTimeout(resolve, wait))
    const { method = 'GET', url = '/', headers } = incoming
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const way: SlowWay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delay: () => 0,
    isOpen: true,
    jobs,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return way
}
