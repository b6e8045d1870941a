import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { asHeuristError, bug } from '../../sdk/errors.ts'
import type { Revenue } from './revenue.ts'

/** `GET /`: what this bot earned and spent, and how many servers it is in. `GET /healthz`: whether Discord hears it. */
export function createStatus(
  { servers, isReady, revenue }: { servers(): number; isReady(): boolean; revenue(): Promise<Revenue> },
  log: FastifyBaseLogger,
): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
  })
  app.addHook('onRequest', async (_, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  app.setErrorHandler(async (cause, _, reply) => {
    const error = asHeuristError(cause)
    if (error.kind === 'later') return reply.code(503).send({ error: error.toJSON() })
    log.error({ event: 'status.failed', ...error.toJSON(), err: error.cause })
    return reply.code(500).send({ error: bug('bug', 'The bot failed.').toJSON() })
  })
  app.get('/', async () => ({ app: 'babel', servers: servers(), ...(await revenue()) }))
  app.get('/healthz', async (_, reply) =>
    reply.code(isReady() ? 200 : 503).send({ status: isReady() ? 'ok' : 'disconnected' }),
  )
  return app
}
