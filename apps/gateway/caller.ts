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

/** Whom a request is charged to. Without one nothing is called. @throws `caller.absent` (bug). */
export function chargedTo({ caller }: { caller?: Caller }): Caller {
  if (caller === undefined) throw bug('caller.absent', 'a call that nobody pays for')
  return caller
}
