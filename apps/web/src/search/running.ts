import { holding } from '../session/working.ts'
import { isRunning } from './finding.ts'
import type { Findings } from './store.ts'

/** The searches that go on, in this tab or in another. */

const workOf = (search: string): string => `search-${search}`

const running = new Map<string, AbortController>()
export const stop = (id: string): void => running.get(id)?.abort()
/** Whether this very tab waits for it. */
export const isHere = (id: string): boolean => running.has(id)

/** Does the work of a search, which no other tab takes for one whose page was closed. */
export async function run(id: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController()
  running.set(id, abort)
  let begun = false
  const begin = () => {
    begun = true
    return work(abort.signal)
  }
  try {
    await holding(workOf(id), begin).catch((cause: unknown) => {
      if (begun) throw cause
      // A browser that keeps nothing may refuse its locks too. There is no key then, and nothing is paid.
      return begin()
    })
  } finally {
    running.delete(id)
  }
}

/** Once no tab waits for it: one that has no end by then ends there. */
export function endOnceGone(findings: Findings, id: string): void {
  if (isHere(id)) return
  const end = async () =>
    findings.update(id, (now) => (isRunning(now) ? { ...now, state: 'cut' as const } : now))
  void holding(workOf(id), end).catch((cause: unknown) => console.warn(cause))
}

/** Longer than a double click takes. */
const TWICE_MS = 1_000

/** The search of this tab that the same query means, said again while it runs or in one double click; undefined = a new one. */
export const begunNow = (findings: Findings, query: string, now: number): string | undefined =>
  findings
    .view()
    .findings.find(
      ({ id, query: of, at, state }) =>
        of === query && (isHere(id) || (state === 'done' && now - at < TWICE_MS)),
    )?.id
