import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { asHeuristError } from '../../sdk/errors.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import { configSchema, createWeb } from './server.ts'

/**
 * `node --import tsx apps/web/serve.ts <config.json>`: serves the page until SIGTERM, SIGINT or the end of the process
 * that started it. Exit codes: 0 stopped, 1 it could not start.
 */

const log = pino({ base: { room: 'web' }, level: process.env.HEURIST_LOG ?? 'info' })

function fail(cause: unknown): never {
  log.error({ event: 'web.failed', error: asHeuristError(cause).toJSON(), stack: (cause as Error).stack })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

// Before there is a server to stop, a signal just ends the process.
let stop: () => Promise<void> = async () => {}
let stopping = false
function end(): void {
  if (stopping) return
  stopping = true
  stop().then(() => process.exit(0), fail)
}
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('disconnect', end)

const path = process.argv[2]
if (path === undefined) fail(new Error('usage: serve.ts <config.json>'))
const config = parseWire(configSchema, JSON.parse(await readFile(path, 'utf8')), 'config.invalid')
const app = createWeb(config, log)
stop = () => app.close()
const url = await app.listen({ host: config.host, port: config.port })
log.info({ event: 'ready', url })
process.send?.({ event: 'ready', url })
