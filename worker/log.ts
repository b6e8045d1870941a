import { type Logger, pino } from 'pino'

/** One line, one event: `{ event: 'room.fact', … }`. `error` means wake someone. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

export const createLog = (): Log =>
  pino({ base: { room: 'worker' }, level: process.env.HEURIST_LOG ?? 'info' })
