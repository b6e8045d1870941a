import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Store, walOf } from './store.ts'

/**
 * Writes of one turn of the event loop share a commit, and commits share a sync of the write-ahead log, for which nothing
 * else of this process waits.
 */
export interface Group {
  /**
   * Writes at the end of this turn, after everything that was added before.
   *
   * @returns once it survives a power loss; rejected with all of its turn if one of them fails: then none of them is written.
   */
  add(write: () => void): Promise<void>
  /** The same for what nobody waits for: with the next commit, or after `LATER_MS`. */
  addLater(write: () => void): Promise<void>
  /** Writes what waits, now: whoever reads the file finds it. */
  flush(): void
  /** Writes what waits. Closing the store then syncs it. */
  close(): void
}

/** What nobody waits for waits so long for company. */
const LATER_MS = 20

const datasync = promisify(fdatasync)

interface Waiting {
  write: () => void
  resolve: () => void
  reject: (cause: unknown) => void
}

export function createGroup(db: Store): Group {
  const log = openLog(walOf(db))
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
      // In this mode a commit reaches the log, and the log the disk only when it is asked to: below.
      db.pragma('synchronous = NORMAL')
      commit(batch)
    } catch (cause) {
      for (const { reject } of batch) reject(cause)
      return
    } finally {
      db.pragma('synchronous = FULL')
    }
    log.sync().then(
      () => batch.forEach(({ resolve }) => resolve()),
      (cause) => batch.forEach(({ reject }) => reject(cause)),
    )
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
    close() {
      flush()
      log.close()
    },
  }
}

/** One sync at a time; all who ask while one runs share the next. */
function openLog(path: string) {
  let file: number | undefined
  let closed = false
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  function start(): Promise<void> {
    next = undefined
    // Whoever closes the books syncs them.
    if (closed) return Promise.resolve()
    // SQLite makes it with the first commit and keeps it as long as the books are open.
    file ??= openSync(path, 'r+')
    const sync = datasync(file).finally(() => {
      if (running === sync) running = undefined
    })
    running = sync
    return sync
  }

  function end(): void {
    if (file !== undefined) closeSync(file)
    file = undefined
  }

  return {
    async sync(): Promise<void> {
      if (running === undefined) return start()
      next ??= running.then(start, start)
      return next
    },
    close(): void {
      closed = true
      if (running === undefined) end()
      else running.then(end, end)
    },
  }
}
