import type { Store } from './store.ts'

/** Writes of one turn of the event loop share a commit: a disk is asked once for all who ask in the same moment. */
export interface Group {
  /**
   * Writes at the end of this turn, after everything that was added before.
   *
   * @returns once it is durable; rejected with all of its turn if one of them fails: then none of them is written.
   */
  add(write: () => void): Promise<void>
  /** Writes what waits, now. */
  flush(): void
}

interface Waiting {
  write: () => void
  resolve: () => void
  reject: (cause: unknown) => void
}

export function createGroup(db: Store): Group {
  let waiting: Waiting[] = []
  const commit = db.transaction((batch: Waiting[]) => {
    for (const { write } of batch) write()
  })

  function flush(): void {
    if (waiting.length === 0) return
    const batch = waiting
    waiting = []
    try {
      commit(batch)
    } catch (cause) {
      for (const { reject } of batch) reject(cause)
      return
    }
    for (const { resolve } of batch) resolve()
  }

  return {
    add: (write) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ write, resolve, reject })
      }),
    flush,
  }
}
