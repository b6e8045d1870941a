import { refused } from '../../../sdk/errors.ts'
import type { Cancel, Timers } from '../../world.ts'
import type { Entry } from './redo.ts'
import type { Sqlite } from './sqlite.ts'
import { type Row, runner } from './write.ts'

/** The one transaction of a ledger: it takes in what is written at once and is committed a moment later, with all in it. */
export interface Transaction {
  /**
   * Runs all rows or none. From then on every read of the connection finds them.
   *
   * @returns under which number: it rises by one each time, over restarts as well.
   * @throws what the engine says.
   */
  run(rows: readonly Row[]): number
  /** What was run is durable in the tables when this returns. @throws what the engine says. */
  commit(): void
  /** The same, for who has nobody to throw to: the observer is told. */
  commitOrTell(): void
  /** What was run and not committed is gone. */
  abandon(): void
}

export interface TransactionObserver {
  /** Everything that was ever run is durable in the tables. */
  committed(): void
  /** What was run is lost to this connection: nothing may be read or written any more. */
  failed(cause: unknown): void
}

/** So long a transaction waits for more. */
const LINGER_MS = 50

/**
 * @param left  What an earlier process made durable elsewhere and perhaps did not commit. It is committed here.
 * @throws `ledger.corrupt` (refused) if the tables cannot take it.
 */
export function openTransaction(
  db: Sqlite,
  timers: Timers,
  left: readonly Entry[],
  observer: TransactionObserver,
): Transaction {
  const write = runner(db)
  const mark = db.prepare('UPDATE redone SET number = ?')
  let { number } = db.prepare('SELECT number FROM redone').get([]) as { number: number }
  let isOpen = false
  let soon: Cancel | undefined
  takeLeft()

  function takeLeft(): void {
    try {
      for (const entry of left) {
        if (entry.number <= number) continue
        begin()
        write(entry.rows)
        number = entry.number
      }
      end()
    } catch (cause) {
      if (db.inTransaction) db.exec('ROLLBACK')
      throw refused('ledger.corrupt', 'The tables of the ledger do not take what its redo log says.', {
        fix: 'Restore both from one backup.',
        cause,
      })
    }
  }

  function begin(): void {
    if (isOpen) return
    db.exec('BEGIN IMMEDIATE')
    isOpen = true
  }

  function end(): void {
    if (!isOpen) return
    mark.run([number])
    db.exec('COMMIT')
    isOpen = false
  }

  function run(rows: readonly Row[]): number {
    try {
      begin()
      soon ??= timers.after(LINGER_MS, commitOrTell)
      db.exec('SAVEPOINT entry')
      runInside(rows)
    } catch (cause) {
      if (!isConflict(cause)) observer.failed(cause)
      throw cause
    }
    number += 1
    return number
  }

  function runInside(rows: readonly Row[]): void {
    try {
      write(rows)
    } catch (cause) {
      // An engine that could not write has ended the whole transaction; what contradicts it ends alone.
      if (isConflict(cause)) db.exec('ROLLBACK TO entry; RELEASE entry')
      throw cause
    }
    db.exec('RELEASE entry')
  }

  function commit(): void {
    soon?.()
    soon = undefined
    if (!isOpen) return
    try {
      end()
    } catch (cause) {
      observer.failed(cause)
      throw cause
    }
    observer.committed()
  }

  function commitOrTell(): void {
    try {
      commit()
    } catch {
      // The observer was told.
    }
  }

  return {
    run,
    commit,
    commitOrTell,
    abandon() {
      soon?.()
      if (db.inTransaction) db.exec('ROLLBACK')
      isOpen = false
    },
  }
}

/** Whether the engine refused what it was told to write, and could write something else. */
export const isConflict = (cause: unknown): boolean =>
  String((cause as { code?: unknown } | undefined)?.code).startsWith('SQLITE_CONSTRAINT')
