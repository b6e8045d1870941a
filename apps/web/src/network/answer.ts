import { startTransition, useCallback, useEffect, useState } from 'react'
import { type Problem, wordsOf } from '../session/words.ts'

/** Asked again while router or chain do not answer. Milliseconds. */
const AGAIN_MS = 5_000

export interface Answer<T> {
  /** The newest that was read; undefined until the first answer. */
  value?: T
  /** Why the newest try gave nothing. */
  problem?: Problem
}

/**
 * What `read` gives, asked again until it answers.
 *
 * @param read  The same function as long as the same is asked; undefined while nothing is.
 * @param everyMs  Asks again after an answer too, as long as the page is seen.
 * @returns the answer, and `again`, which reads now.
 */
export function useRead<T>(
  read: (() => Promise<T>) | undefined,
  everyMs?: number,
): Answer<T> & { again: () => void } {
  const [known, setKnown] = useState<Answer<T> & { of?: () => Promise<T> }>({})
  const [round, setRound] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round reads again.
  useEffect(() => {
    if (read === undefined) return
    let timer: number | undefined
    let gone = false
    async function ask(question: () => Promise<T>) {
      let next = everyMs
      try {
        const unseen = everyMs !== undefined && document.visibilityState !== 'visible'
        const answer = unseen ? undefined : { value: await question(), of: question }
        if (answer && !gone) startTransition(() => setKnown(answer))
      } catch (cause) {
        const problem = wordsOf(cause)
        console.warn(problem.says, cause)
        if (!gone)
          setKnown((before) => ({ ...(before.of === question ? before : { of: question }), problem }))
        next = AGAIN_MS
      }
      if (!gone && next !== undefined) timer = window.setTimeout(() => void ask(question), next)
    }
    void ask(read)
    return () => {
      gone = true
      window.clearTimeout(timer)
    }
  }, [read, everyMs, round])
  const again = useCallback(() => setRound((before) => before + 1), [])
  const { of, ...answer } = known
  return of === read ? { ...answer, again } : { again }
}
