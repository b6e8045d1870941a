import { readFileSync } from 'node:fs'
import pino from 'pino'
import type { z } from 'zod'
import { asHeuristError } from '../sdk/errors.ts'
import { parseWire } from '../sdk/protocol/wire.ts'
import type { Log } from './world.ts'

/** What a keeper's process runs. */
export interface Program {
  readonly url: string
  stop(): Promise<void>
}

/**
 * The life of a keeper's process: reads the configuration that its first argument names, starts, tells its parent where it
 * is, and stops at SIGTERM, SIGINT or the end of the process that started it. Exit codes: 0 stopped, 1 it could not start
 * or had to give up.
 *
 * @param name  Of the part, in every line of its log.
 */
export async function runProgram<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  start: (config: z.output<Schema>, log: Log, fail: (cause: unknown) => never) => Promise<Program>,
): Promise<void> {
  const log = pino({ base: { part: name }, messageKey: 'message' }, pino.destination({ sync: true }))
  const fail = (cause: unknown): never => {
    const error = asHeuristError(cause)
    log.error({ event: `${name}.failed`, ...error.toJSON(), stack: (cause as Error).stack })
    process.exit(1)
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)

  const config = parseWire(schema, JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')), 'config.invalid')
  const program = await start(config, log, fail)
  const end = () => void program.stop().then(() => process.exit(0), fail)
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(signal, end)
  log.info({ event: 'ready', url: program.url })
  process.send?.({ event: 'ready', url: program.url })
}
