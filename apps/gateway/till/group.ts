import type { Store } from './store.ts'

/** Writes that nobody waits for share a commit: a disk is asked once for all who come within a moment. */
export interface Group {
  /** Writes within `LINGER_MS`, after everything that was added before; again after `AGAIN_MS` until the books take it. */
  add(write: () => void): void
  /** Writes what waits, now. */
  flush(): void
}

export interface GroupObserver {
  /** Everything that was added is written. */
  emptied(): void
  /** The books did not take something. Told once, until they take all again. */
  refused(cause: unknown): void
}

/** So long a write waits for company. */
const LINGER_MS = 50
/** What the books did not take is written again after this. */
const AGAIN_MS = 1_000

export function createGroup(db: Store, observer: GroupObserver): Group {
  let waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  let isRefused = false
  const commit = db.transaction((batch: readonly (() => void)[]) => {
    for (const write of batch) write()
  })

  /** @returns what is left: all, or what contradicts the books, which takes nobody else's down with it. */
  function left(batch: (() => void)[]): (() => void)[] {
    try {
      commit(batch)
      return []
    } catch (cause) {
      if (!isRefused) observer.refused(cause)
      isRefused = true
      if (!isConflict(cause)) return batch
      return batch.length === 1 ? batch : batch.flatMap((write) => left([write]))
    }
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return
    const batch = waiting
    waiting = []
    waiting = [...left(batch), ...waiting]
    if (waiting.length > 0) return void soon(AGAIN_MS)
    isRefused = false
    observer.emptied()
  }

  function soon(ms: number): void {
    timer ??= setTimeout(flush, ms)
    // What the books do not take keeps no process alive: its calls are found open by the next one.
    if (ms === AGAIN_MS) timer.unref()
  }

  return {
    add(write) {
      waiting.push(write)
      soon(LINGER_MS)
    },
    flush,
  }
}

const isConflict = (cause: unknown): boolean =>
  String((cause as { code?: unknown } | undefined)?.code).startsWith('SQLITE_CONSTRAINT')
