import { asHeuristError } from '../../../../sdk/errors.ts'

/** It was not charged, and will not be. */
export const OVER = 'call.over'
/** The router has its receipt alone, or repeats what cannot be read. */
const LOST = new Set([OVER, 'output.forgotten', 'output.unreadable', 'stream.interrupted'])
/** The answer does not hold: it is rejected. */
const WRONG = /^(receipt|ack)\./

/** Whether there is no answer to a call that was asked for again: to ask once more is of no use. */
export function isUnanswered(cause: unknown): boolean {
  const { code } = asHeuristError(cause)
  return LOST.has(code) || WRONG.test(code)
}
