import { asHeuristError, type HeuristError } from '../../sdk/errors.ts'

/** What one of a call's jobs came to; `index` is its place in the call. */
export interface Done<T> {
  index: number
  answer: T
}

/** How an error is told to the caller of one route. */
export type Naming = (cause: unknown) => HeuristError

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
