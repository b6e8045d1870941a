import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

/** What a gateway stands beside: a bare undici proxy. It passes on what comes and what comes back, and looks at nothing. */
const [, , path = ''] = process.argv
const { to } = JSON.parse(await readFile(path, 'utf8')) as { to: string }
const pool = new Pool(to, { connections: 64, pipelining: 1 })
const server = createServer((request, response) => {
  const { accept = '*/*', 'content-type': type = 'application/json' } = request.headers
  pool.stream(
    {
      path: request.url ?? '/',
      method: 'POST',
      headers: { accept, 'content-type': type },
      body: request,
      opaque: response,
    },
    ({ statusCode, headers }) => response.writeHead(statusCode, headers),
    (cause) => {
      if (cause !== null) response.destroy(cause)
    },
  )
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ event: 'ready', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.on('SIGTERM', () => process.exit(0))
process.on('disconnect', () => process.exit(0))
