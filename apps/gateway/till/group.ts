import type { Store } from './store.ts'

/** Writes that nobody waits for share a commit: a disk is asked once for all who come within a moment. */
export interface Group {
  /**
   * Writes within `LINGER_MS`, after everything that was added before.
   *
   * @returns once it is durable; rejected with all of its commit if one of them fails: then none of them is written.
   */
  add(write: () => void): Promise<void>
  /** Writes what waits, now. */
  flush(): void
}

/** So long a write waits for company. */
const LINGER_MS = 20

interface Waiting {
  write: () => void
  resolve: () => void
  reject: (cause: unknown) => void
}

export function createGroup(db: Store): Group {
  let waiting: Waiting[] = []
  let soon: NodeJS.Timeout | undefined
  const commit = db.transaction((batch: Waiting[]) => {
    for (const { write } of batch) write()
  })

  function flush(): void {
    clearTimeout(soon)
    soon = undefined
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
    add(write) {
      soon ??= setTimeout(flush, LINGER_MS)
      return new Promise((resolve, reject) => waiting.push({ write, resolve, reject }))
    },
    flush,
  }
}
