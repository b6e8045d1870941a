import { asHeuristError, isRejected } from '../../../../sdk/errors.ts'

/** It was not charged, and will not be. */
export const OVER = 'call.over'
/** The router has its receipt alone, or repeats what cannot be read. */
const LOST = new Set([OVER, 'output.forgotten', 'output.unreadable', 'stream.interrupted'])

/** Whether there is no answer to a call that was asked for again: to ask once more is of no use. */
export function isUnanswered(cause: unknown): boolean {
  return isRejected(cause) || LOST.has(asHeuristError(cause).code)
}
