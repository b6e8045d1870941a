import { type Logger, pino } from 'pino'

/** One line, one event: `{ event: 'room.fact', … }`. `error` means wake someone. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** @param to  Where lines go; default: standard output. */
export const createLog = (to?: NodeJS.WritableStream): Log => {
  const options = { base: { room: 'worker' }, level: process.env.HEURIST_LOG ?? 'info' }
  return to === undefined ? pino(options) : pino(options, to)
}
