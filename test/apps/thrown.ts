import { APIError } from 'openai'

/** What OpenAI's client threw. Anything else it threw, or nothing, fails the test. */
export async function thrownBy(work: Promise<unknown>): Promise<APIError> {
  const error = await work.then(
    () => new Error('nothing was thrown'),
    (cause: unknown) => cause,
  )
  if (error instanceof APIError) return error
  throw error
}
