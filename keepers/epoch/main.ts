import { readFileSync } from 'node:fs'
import pino from 'pino'
import { asHeuristError } from '../../sdk/errors.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import { keeperConfigSchema } from './config.ts'
import { startKeeper } from './keeper.ts'

/**
 * `node --import tsx keepers/epoch/main.ts <config.json>`: turns the epochs until SIGTERM, SIGINT or the end of the
 * process that started it. Exit codes: 0 stopped, 1 it could not start.
 */

const log = pino({ base: { part: 'keeper' }, messageKey: 'message' }, pino.destination({ sync: true }))

function fail(cause: unknown): never {
  const error = asHeuristError(cause)
  log.error({ event: 'keeper.failed', ...error.toJSON(), stack: (cause as Error).stack })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

const config = parseWire(
  keeperConfigSchema,
  JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')),
  'config.invalid',
)
const keeper = await startKeeper(config, log)

const end = () => void keeper.stop().then(() => process.exit(0), fail)
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('disconnect', end)
log.info({ event: 'ready', url: keeper.url })
process.send?.({ event: 'ready', url: keeper.url })
