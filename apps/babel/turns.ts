export interface Turns {
  /** Runs `work` once there is room, first come first served. Rejects if the signal ends the wait. */
  take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>
}

/** At most `room` pieces of work at once. */
export function openTurns(room: number): Turns {
  const waiting = new Set<() => void>()
  let free = room

  function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (free > 0) {
      free -= 1
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(admit)
        reject(signal.reason)
      }
      const admit = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      waiting.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  function done(): void {
    const [next] = waiting
    if (next === undefined) {
      free += 1
      return
    }
    waiting.delete(next)
    next()
  }

  return {
    async take(work, signal) {
      await enter(signal)
      try {
        return await work()
      } finally {
        done()
      }
    },
  }
}
