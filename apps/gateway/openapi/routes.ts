import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import manifest from '../package.json' with { type: 'json' }
import { DESCRIPTION, documentOf, nameOf, operations } from './document.ts'
import { pageOf, STYLE } from './page.ts'

const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/**
 * The published form of this gateway, for machines and for people.
 *
 * @param served  The routes that it has; complete once it listens.
 */
export function documentRoutes(
  app: FastifyInstance,
  served: ReadonlySet<string>,
  publicUrl: string | undefined,
): void {
  let document: string | undefined
  let page: string | undefined

  app.get('/openapi.json', async (_, reply) => {
    document ??= JSON.stringify(documentOf(served, publicUrl, manifest.version))
    return reply.type('application/json; charset=utf-8').send(document)
  })
  app.get('/docs', async (_, reply) => {
    page ??= pageOf(
      operations.filter((each) => served.has(nameOf(each))),
      DESCRIPTION,
    )
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', POLICY)
      .header('referrer-policy', 'no-referrer')
      .send(page)
  })
}
