import { readFileSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { z } from 'zod'
import { fetchNetwork, type Network } from './chain/network.ts'
import { asHeuristError, refused } from './errors.ts'
import { parseWire } from './protocol/wire.ts'

/** One line, one event: `{ event: 'room.fact', … }`. `error` means wake someone. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** What a program can do to its own process. */
export interface Life {
  log: Logger
  /** Says why, and ends the process at once with exit code 1. */
  fail(cause: unknown): never
  /** What has to be done before the process ends; until a program says it, the process just ends. */
  stopWith(stop: () => Promise<void>): void
  /** Stops, then ends the process. */
  end(code?: number): void
}

/** That it serves. */
export interface Ready {
  /** Where. */
  url?: string
  /** For its parent alone: never logged. */
  told?: Readonly<Record<string, unknown>>
  /** For its log. */
  logged?: Readonly<Record<string, unknown>>
}

/**
 * The life of one of our processes: reads the configuration that its first argument names, starts, tells its parent that it
 * is ready, and stops at SIGTERM, SIGINT or the end of the process that started it. Exit codes: 0 stopped, 1 it could not
 * start or had to give up.
 *
 * @param name  Of the program: in every line of its log, and in the code of its last error.
 * @param parse  Its configuration, of the value in that JSON file.
 */
export async function runProgram<Config>(
  name: string,
  parse: z.ZodType<Config> | ((value: unknown) => Config),
  start: (config: Config, life: Life) => Promise<Ready>,
): Promise<void> {
  const life = openLife(name)
  process.on('uncaughtException', life.fail)
  process.on('unhandledRejection', life.fail)
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(signal, () => life.end())

  const value = readConfig(process.argv[2])
  const config = typeof parse === 'function' ? parse(value) : parseWire(parse, value, 'config.invalid')
  const { url, told, logged } = await start(config, life)
  life.log.info({ event: 'ready', url, ...logged })
  process.send?.({ event: 'ready', url, ...told })
}

function openLife(name: string): Life {
  const log = openLog(name)
  let stop = async (): Promise<void> => {}
  let stopping = false
  function fail(cause: unknown): never {
    const { stack } = cause as Error
    log.error({ event: `${name}.failed`, error: asHeuristError(cause).toJSON(), stack })
    process.exit(1)
  }
  return {
    log,
    fail,
    stopWith(how) {
      stop = how
    },
    end(code = 0) {
      if (stopping) return
      stopping = true
      stop().then(() => process.exit(code), fail)
    },
  }
}

/**
 * Lines are written before the next statement runs: the last words of a process that fails are not lost.
 *
 * @param to  1: standard output.
 */
export const openLog = (name: string, to: NodeJS.WritableStream | 1 = 1): Logger =>
  pino(
    { base: { room: name }, level: process.env.HEURIST_LOG ?? 'info' },
    to === 1 ? pino.destination({ sync: true }) : to,
  )

/** @throws `config.missing` (refused). */
function readConfig(path: string | undefined): unknown {
  if (path === undefined) {
    throw refused('config.missing', 'no configuration was named', { fix: 'Give its path: <config.json>.' })
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw refused('config.missing', `cannot read ${path} as JSON`, { cause })
  }
}

/** Between questions to a router that does not answer yet. */
const RETRY_MS = 250

/**
 * Waits for a router that is starting too; any other fault is final.
 *
 * @param patienceMs  After which `router.unreachable` is thrown; default: never.
 */
export async function awaitNetwork(
  routerUrl: string,
  { log, patienceMs = Number.POSITIVE_INFINITY }: { log: Log; patienceMs?: number },
): Promise<Network> {
  const until = Date.now() + patienceMs
  for (;;) {
    try {
      return await fetchNetwork(routerUrl)
    } catch (cause) {
      const error = asHeuristError(cause)
      if (error.kind !== 'later' || Date.now() > until) throw error
      log.warn({ event: 'router.awaited', error: error.toJSON() })
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
