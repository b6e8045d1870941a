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
  /** After any error of the engine: one that was grave has ended the transaction, and with it what was run. */
  check(cause: unknown): void
  /** What was run and not committed is gone, and nothing more is run. */
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
 * @param left  What an earlier process made durable elsewhere and did not commit. It is committed here.
 * @throws `ledger.corrupt` (refused) if the tables cannot take it; what the engine says.
 */
export function openTransaction(
  db: Sqlite,
  timers: Timers,
  left: readonly Entry[],
  observer: TransactionObserver,
): Transaction {
  const write = runner(db)
  const mark = db.prepare('UPDATE redone SET number = ?')
  let number = redoneIn(db)
  let isOpen = false
  let isLost = false
  let soon: Cancel | undefined
  takeLeft()

  function takeLeft(): void {
    try {
      for (const entry of left) {
        if (entry.number !== number + 1) throw corrupt(`entry ${number + 1} is missing`)
        begin()
        write(entry.rows)
        number = entry.number
      }
      end()
    } catch (cause) {
      abandon()
      throw isConflict(cause) ? corrupt(cause) : cause
    }
  }

  /** A grave error, of a read as well, makes SQLite end the whole transaction: to go on would be a transaction without it. */
  function isStanding(): boolean {
    return !isLost && db.open && (!isOpen || db.inTransaction)
  }

  function begin(): void {
    if (!isStanding()) throw new Error('the transaction of the ledger was ended by its engine')
    if (isOpen) return
    db.exec('BEGIN IMMEDIATE')
    isOpen = true
  }

  function end(): void {
    if (!isOpen) return
    if (!isStanding()) throw new Error('the transaction of the ledger was ended by its engine')
    mark.run([number])
    db.exec('COMMIT')
    isOpen = false
  }

  function fail(cause: unknown): void {
    try {
      abandon()
    } finally {
      observer.failed(cause)
    }
  }

  function run(rows: readonly Row[]): number {
    try {
      begin()
      soon ??= timers.after(LINGER_MS, commitOrTell)
      db.exec('SAVEPOINT entry')
      runInside(rows)
    } catch (cause) {
      if (!isConflict(cause)) fail(cause)
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
      fail(cause)
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

  function abandon(): void {
    isLost = true
    soon?.()
    soon = undefined
    isOpen = false
    if (db.open && db.inTransaction) db.exec('ROLLBACK')
  }

  return {
    run,
    commit,
    commitOrTell,
    check(cause) {
      if (!isStanding()) fail(cause)
    },
    abandon,
  }
}

/** How far into the redo log the tables are; 0 if they are older than it. */
export function redoneIn(db: Sqlite): number {
  const table = db.prepare("SELECT name FROM sqlite_master WHERE name = 'redone'").get([])
  if (table === undefined) return 0
  return (db.prepare('SELECT number FROM redone').get([]) as { number: number }).number
}

const corrupt = (cause: unknown) =>
  refused('ledger.corrupt', 'The tables of the ledger do not take what its redo log says.', {
    fix: 'Restore both from one backup.',
    cause,
  })

/** Whether the engine refused what it was told to write, and could write something else. */
export const isConflict = (cause: unknown): boolean =>
  String((cause as { code?: unknown } | undefined)?.code).startsWith('SQLITE_CONSTRAINT')
