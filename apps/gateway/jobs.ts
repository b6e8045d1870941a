import { asHeuristError, HeuristError } from '../../sdk/errors.ts'

/** What one of a call's jobs came to; `index` is its place in the call. */
export interface Done<T> {
  index: number
  answer: T
}

/** How an error is told to the caller of one route. */
export type Naming = (cause: unknown) => HeuristError

/**
 * A pod names the fields of its own document; the caller knows the parameters of its route.
 *
 * @param content  What the route calls the pod's `messages`.
 * @param limit  What it calls the pod's `max_tokens`.
 */
export const namedAs =
  (content: string, limit = 'max_tokens'): Naming =>
  (cause) => {
    const error = asHeuristError(cause)
    const field = nameOf(error, content, limit)
    if (field === error.field || field === undefined) return error
    const { kind, code, message, fix, details } = error
    return new HeuristError(kind, code, message, {
      field,
      details,
      cause: error.cause,
      ...(fix === undefined ? {} : { fix }),
    })
  }

function nameOf({ code, field }: HeuristError, content: string, limit: string): string | undefined {
  if (field === 'max_tokens') return limit
  const aboutContent = field === undefined ? code.startsWith('input.') : /^messages\b/.test(field)
  if (!aboutContent) return field
  return content === 'messages' ? (field ?? content) : content
}

/**
 * The jobs of one call, each paid by itself. Those that are answered are paid and therefore returned, with the
 * failures of the others beside them.
 *
 * @throws the first job's failure if none is answered; nothing is paid then.
 */
export async function settleJobs<T>(
  jobs: readonly Promise<T>[],
  naming: Naming = asHeuristError,
): Promise<{ answers: Done<T>[]; failures: HeuristError[] }> {
  const settled = await Promise.allSettled(jobs)
  const answers = settled.flatMap((each, index) =>
    each.status === 'fulfilled' ? [{ index, answer: each.value }] : [],
  )
  const failures = settled.flatMap((each) => (each.status === 'rejected' ? [naming(each.reason)] : []))
  const [failure] = failures
  if (answers.length === 0 && failure !== undefined) throw failure
  return { answers, failures }
}
