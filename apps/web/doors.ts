import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { WebConfig } from './server.ts'
import type { Door } from './src/network/config.ts'
import { PORTAL_ADDRESSES } from './src/portal/addresses.ts'

/** Which page of the build stands at which addresses. A door that is not in the configuration is not there. */
export const DOOR_PAGES: Record<Door, { file: string; addresses: readonly string[] }> = {
  portal: { file: 'index.html', addresses: PORTAL_ADDRESSES },
  pondera: { file: 'pondera.html', addresses: ['/pondera', '/pondera/c/:chat', '/pondera/s/:share'] },
  imagine: { file: 'imagine.html', addresses: ['/imagine', '/imagine/m/:model', '/imagine/s/:share'] },
  search: { file: 'search.html', addresses: ['/search'] },
}

/** What stands in the page of an address for whoever does not run its scripts; undefined = the page as it was built. */
export type Heads = Record<string, (request: FastifyRequest) => Promise<string | undefined>>

export function doorRoutes(
  app: FastifyInstance,
  { doors }: Pick<WebConfig, 'doors'>,
  heads: Heads = {},
): void {
  for (const door of Object.keys(doors) as Door[]) {
    const { file, addresses } = DOOR_PAGES[door]
    for (const address of addresses) {
      app.get(address, async (request, reply) => {
        // What somebody chose to show to whoever has the link is not for search engines.
        if (/^\/(?:pondera|imagine)\//.test(address) || request.url.includes('?'))
          reply.header('x-robots-tag', 'noindex')
        const page = await heads[address]?.(request)
        if (page === undefined) return reply.sendFile(file)
        return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page)
      })
    }
  }
}
