import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { parseWire } from '../../../sdk/protocol/wire.ts'
import { openAllowance } from '../api/allowance.ts'
import { askedSchema, SOURCE_PATH } from './documents.ts'
import { type SearchParts, search } from './search.ts'

/** One address may search so often an hour. */
const MOST_SEARCHES = 240
const fileSchema = z.object({ '*': z.string().max(200) })

/** `GET` and `POST /api/search`, and the documents it finds, as plain text, under `/search/source/`. */
export function searchRoutes(app: FastifyInstance, parts: SearchParts, now: () => number = Date.now): void {
  const searching = openAllowance({ most: MOST_SEARCHES, windowMs: 3_600_000, now })

  /** The pod whose vectors a query is compared with: without one, nobody need pay for a vector. */
  app.get('/api/search', async (_, reply) => {
    parts.vectors?.begin()
    const pod = parts.vectors?.pod()
    return reply.header('cache-control', 'no-store').send(pod === undefined ? {} : { pod })
  })

  app.post('/api/search', { bodyLimit: 128 * 1024 }, async (request, reply) => {
    const asked = parseWire(askedSchema, request.body, 'search.invalid')
    searching.take(request.ip)
    reply.header('cache-control', 'no-store')
    return search(parts, asked)
  })

  app.get(`${SOURCE_PATH}*`, async (request, reply) => {
    const { '*': file } = parseWire(fileSchema, request.params, 'search.invalid')
    return reply.type('text/plain; charset=utf-8').send(parts.docs.document(file))
  })
}
