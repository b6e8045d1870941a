import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { parseWire } from '../../../sdk/protocol/wire.ts'
import { openAllowance } from '../api/allowance.ts'
import type { ShareKind, ShareStore } from './store.ts'

/** One address may share so many within so long. */
const MOST_SHARES = 20
const HOUR_MS = 3_600_000
const WINDOW_MS = 12 * HOUR_MS

const idSchema = z.object({ id: z.string().max(64) })
const secretSchema = z.strictObject({ secret: z.string().min(1).max(64) })

export const sharingAllowance = (now: () => number) =>
  openAllowance({ most: MOST_SHARES, windowMs: WINDOW_MS, now })

/**
 * `POST <path>`, and `GET` and `DELETE <path>/:id`.
 *
 * @param terms.mostADay  All addresses together may share so many a day.
 */
export function shareRoutes<T extends z.ZodRawShape>(
  app: FastifyInstance,
  path: string,
  { schema, mostBytes }: ShareKind<T>,
  shares: ShareStore<z.output<z.ZodObject<T>>>,
  { mostADay, now }: { mostADay: number; now(): number },
): void {
  const sharing = sharingAllowance(now)
  const everybody = openAllowance({ most: mostADay, windowMs: 24 * HOUR_MS, now })
  app.post(path, { bodyLimit: 2 * mostBytes }, async (request, reply) => {
    const snapshot = parseWire(schema, request.body, 'share.invalid')
    sharing.take(request.ip)
    everybody.take('')
    return reply.code(201).send(await shares.create(snapshot))
  })
  keptRoutes(app, path, shares)
}

/**
 * `GET` and `DELETE <path>/:id`: reading for whoever has the link, deleting for whoever has its secret. Nobody guesses 256 bits,
 * so wrong ones are not counted: who counts them keeps a neighbour behind the same address from deleting.
 */
export function keptRoutes<S>(
  app: FastifyInstance,
  path: string,
  shares: Pick<ShareStore<S>, 'read' | 'delete'>,
): void {
  app.get(`${path}/:id`, async (request, reply) => {
    const { id } = parseWire(idSchema, request.params, 'share.invalid')
    reply.headers({ 'cache-control': 'no-store', 'x-robots-tag': 'noindex' })
    return shares.read(id)
  })

  app.delete(`${path}/:id`, async (request, reply) => {
    const { id } = parseWire(idSchema, request.params, 'share.invalid')
    const { secret } = parseWire(secretSchema, request.body, 'share.invalid')
    await shares.delete(id, secret)
    return reply.code(204).send()
  })
}
