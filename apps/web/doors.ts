import type { FastifyInstance } from 'fastify'
import type { WebConfig } from './server.ts'
import type { Door } from './src/network/documents.ts'
import { PORTAL_ADDRESSES } from './src/portal/addresses.ts'

/** Which page of the build stands at which addresses. A door that is not in the configuration is not there. */
const PAGES: Record<Door, { file: string; addresses: readonly string[] }> = {
  portal: { file: 'index.html', addresses: PORTAL_ADDRESSES },
  pondera: { file: 'pondera.html', addresses: ['/pondera', '/pondera/c/:chat', '/pondera/s/:share'] },
}

export function doorRoutes(app: FastifyInstance, { doors }: Pick<WebConfig, 'doors'>): void {
  for (const door of Object.keys(doors) as Door[]) {
    const { file, addresses } = PAGES[door]
    for (const address of addresses) {
      app.get(address, async (_, reply) => {
        // What somebody chose to show to whoever has the link is not for search engines.
        if (address.startsWith('/pondera/')) reply.header('x-robots-tag', 'noindex')
        return reply.sendFile(file)
      })
    }
  }
}
