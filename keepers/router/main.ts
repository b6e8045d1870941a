import { readFileSync } from 'node:fs'
import pino from 'pino'
import { asHeuristError } from '../../sdk/errors.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import { routerConfigSchema } from './config.ts'
import { startRouter } from './router.ts'

/**
 * `node --import tsx keepers/router/main.ts <config.json>`: routes and settles until SIGTERM, SIGINT or the end of the
 * process that started it. Exit codes: 0 stopped, 1 it could not start or had to give up.
 */

const log = pino({ base: { part: 'router' }, messageKey: 'message' }, pino.destination({ sync: true }))

function fail(cause: unknown): never {
  const error = asHeuristError(cause)
  log.error({ event: 'router.failed', ...error.toJSON(), stack: (cause as Error).stack })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

const config = parseWire(
  routerConfigSchema,
  JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')),
  'config.invalid',
)
const router = await startRouter(config, log, fail)

const end = () => void router.stop().then(() => process.exit(0), fail)
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('disconnect', end)
log.info({ event: 'ready', url: router.url })
process.send?.({ event: 'ready', url: router.url })
