import { AsyncLocalStorage } from 'node:async_hooks'
import { bug } from '../../sdk/errors.ts'
import type { Order, Ticket } from './till/till.ts'

/** Whom a request is charged to, and within which bounds. */
export interface Caller {
  wallet: string
  /** Of the API key; of callers without one, what their day is counted by. */
  key: string
  quota?: bigint
  /** The only pods it may call; absent = all. */
  pods?: readonly string[]
  perMinute: number
  /** Where the hold is asked for: callers without a key have their own counter. */
  till: { open(order: Order): Ticket | Promise<Ticket> }
}

const context = new AsyncLocalStorage<Caller>()

/** Runs `work`, and all that follows from it, on this caller's account. */
export const chargedTo = <T>(caller: Caller, work: () => T): T => context.run(caller, work)

/** Whoever the present request is charged to. Without one nothing is called. */
export function presentCaller(): Caller {
  const caller = context.getStore()
  if (caller === undefined) throw bug('caller.absent', 'a call that nobody pays for')
  return caller
}
