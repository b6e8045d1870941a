import type { Store } from './store.ts'

/** Writes of one turn of the event loop share a commit: a disk is asked once for all who ask in the same moment. */
export interface Group {
  /**
   * Writes at the end of this turn, after everything that was added before.
   *
   * @returns once it is durable; rejected with all of its turn if one of them fails: then none of them is written.
   */
  add(write: () => void): Promise<void>
  /** The same for what nobody waits for: with the next commit, or after `LATER_MS`. */
  addLater(write: () => void): Promise<void>
  /** Writes what waits, now. */
  flush(): void
}

/** What nobody waits for waits so long for company. */
const LATER_MS = 20

interface Waiting {
  write: () => void
  resolve: () => void
  reject: (cause: unknown) => void
}

export function createGroup(db: Store): Group {
  let waiting: Waiting[] = []
  let soon: NodeJS.Immediate | undefined
  let later: NodeJS.Timeout | undefined
  const commit = db.transaction((batch: Waiting[]) => {
    for (const { write } of batch) write()
  })

  function flush(): void {
    clearImmediate(soon)
    clearTimeout(later)
    soon = later = undefined
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

  const wait = (write: () => void) =>
    new Promise<void>((resolve, reject) => waiting.push({ write, resolve, reject }))

  return {
    add(write) {
      soon ??= setImmediate(flush)
      return wait(write)
    },
    addLater(write) {
      later ??= setTimeout(flush, LATER_MS)
      return wait(write)
    },
    flush,
  }
}
