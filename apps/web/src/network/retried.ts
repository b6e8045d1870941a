import { asHeuristError } from '../../../../sdk/errors.ts'

/** Before the second try; twice as long before each further one, up to a minute. Milliseconds. */
const FIRST_PAUSE_MS = 4_000
const LONGEST_PAUSE_MS = 60_000

/**
 * Does work that costs router and chain something, and again where it failed for now (`later`), as long as somebody looks.
 *
 * @param tell  `done` with what it gave, `failed` after each try that gave nothing.
 * @returns ends it: nothing is told, or tried, any more.
 */
export function retried<T>(
  work: () => Promise<T>,
  tell: { done(value: T): void; failed(cause: unknown): void },
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let gone = false
  let pause = FIRST_PAUSE_MS
  const again = () => {
    timer = setTimeout(() => (document.visibilityState === 'visible' ? void attempt() : again()), pause)
  }
  async function attempt() {
    try {
      const value = await work()
      if (!gone) tell.done(value)
    } catch (cause) {
      console.warn(cause)
      if (gone) return
      tell.failed(cause)
      if (asHeuristError(cause).kind !== 'later') return
      again()
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
    }
  }
  void attempt()
  return () => {
    gone = true
    clearTimeout(timer)
  }
}
