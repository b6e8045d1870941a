/** How long a job has really worked: the time its reader let it wait does not count. */
export interface Overtime {
  /** So many output bytes have gone out in all. */
  sent(bytes: number): void
  /** The reader takes so many more. */
  credit(bytes: number): void
  /** What the pod's limit leaves. Milliseconds; never at an end while the job waits for its reader. */
  leftMs(): number
}

/**
 * @param limitMs  The pod's own time for a job, from now.
 * @param windowBytes  What the reader takes before it says more.
 * @param now  Unix milliseconds.
 */
export function startOvertime(limitMs: number, windowBytes: number, now: () => number): Overtime {
  const startedMs = now()
  let room = windowBytes
  let gone = 0
  let waitedMs = 0
  let waitingSince: number | undefined

  function look(): void {
    if (gone >= room) waitingSince ??= now()
    else if (waitingSince !== undefined) {
      waitedMs += now() - waitingSince
      waitingSince = undefined
    }
  }

  return {
    sent(bytes) {
      gone = bytes
      look()
    },
    credit(bytes) {
      room += bytes
      look()
    },
    leftMs() {
      const waiting = waitingSince === undefined ? 0 : now() - waitingSince
      const left = limitMs - (now() - startedMs - waitedMs - waiting)
      return waitingSince === undefined ? left : Math.max(left, 1)
    },
  }
}
