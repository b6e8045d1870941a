import { HeuristError } from '../../sdk/errors.ts'

/** The error of ours that a promise is refused with; anything else fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<HeuristError> {
  try {
    await promise
  } catch (cause) {
    if (cause instanceof HeuristError) return cause
    throw cause
  }
  throw new Error('nothing was refused')
}
