import { asHeuristError } from '../sdk/errors.ts'
import { readConfig } from './config.ts'
import { createLog } from './log.ts'
import { startWorker } from './worker.ts'

/**
 * `node --import tsx worker/main.ts <config.json>`: serves for one node until SIGTERM, SIGINT or the end of the
 * process that started it. Exit codes: 0 stopped, 1 it could not start or had to give up.
 */

const log = createLog()

function fail(cause: unknown): never {
  log.error({ event: 'worker.failed', error: asHeuristError(cause).toJSON(), stack: (cause as Error).stack })
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

// Before there is a worker to stop, a signal just ends the process.
let stop: () => Promise<void> = async () => {}
let stopping = false
function end(code: number): void {
  if (stopping) return
  stopping = true
  stop().then(() => process.exit(code), fail)
}
process.on('SIGTERM', () => end(0))
process.on('SIGINT', () => end(0))
process.on('disconnect', () => end(0))

const config = readConfig(process.argv[2])
const worker = await startWorker(config, {
  log,
  ...(process.env.HEURIST_PASSWORD === undefined ? {} : { password: process.env.HEURIST_PASSWORD }),
})
stop = () => worker.stop()
void worker.replaced.then(() => end(1))
await worker.admitted
log.info({ event: 'ready', node: config.node })
process.send?.({ event: 'ready' })
