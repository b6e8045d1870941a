import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { refused } from '../../../sdk/errors.ts'
import type { Timers } from '../../world.ts'
import { type CommitObserver, type Group, groupCommits } from './group.ts'
import type { Ledger } from './ledger.ts'
import { reader } from './read.ts'
import { openRedo, readRedo } from './redo.ts'
import { SCHEMA_STEPS } from './schema.ts'
import { isConflict, openTransaction, redoneIn } from './transaction.ts'
import { rowsOf } from './write.ts'

export type Sqlite = InstanceType<typeof Database>

/** How often the write-ahead log is folded back into the database while it grows. */
const CHECKPOINT_MS = 1_000

export interface SqliteLedger extends Ledger {
  /** Ends as a crash would: what is not durable is lost. Resolves when the next one may open it. */
  abandon(): Promise<void>
}

/**
 * The ledger in one SQLite file: write-ahead log, `synchronous=FULL`. One connection writes, reads and checkpoints; nobody
 * else may open the file meanwhile. What is committed here is in an open transaction at once, durable by its line in the redo
 * log beside the file, and in the tables a moment later, with all that came meanwhile.
 *
 * @throws `ledger.in_use` (refused) if another process has it; `ledger.version` (refused) if another version wrote it;
 *   `ledger.corrupt` (refused).
 */
export function openSqlite(path: string, timers: Timers, observed?: CommitObserver): SqliteLedger {
  mkdirSync(dirname(path), { recursive: true })
  const unlock = lock(path)
  const db = open(path)
  try {
    return openEngine(db, path, timers, observed, unlock)
  } catch (cause) {
    db.close()
    unlock()
    throw cause
  }
}

function openEngine(
  db: Sqlite,
  path: string,
  timers: Timers,
  observed: CommitObserver | undefined,
  unlock: () => void,
): SqliteLedger {
  const redoPath = `${path}.redo`
  checkVersion(db, path)
  // Before the tables are changed: a log that this version cannot read is left to the one that can.
  const left = readRedo(redoPath, redoneIn(db))
  migrate(db)
  let lose: (cause: unknown) => void = () => {}
  const lost = new Promise<unknown>((resolve) => {
    lose = resolve
  })
  let dirty = false
  const transaction = openTransaction(db, timers, left, {
    committed() {
      dirty = true
      redo.committed()
      group.hardened()
    },
    failed: (cause) => group.abandon(cause),
  })
  const redo = openRedo(redoPath)
  const group: Group = groupCommits(
    {
      run(ops) {
        const rows = rowsOf(ops)
        if (rows.length > 0) redo.add({ number: transaction.run(rows), rows })
      },
      async harden() {
        const isLogged = await redo.flush()
        if (!isLogged) transaction.commit()
      },
      isConflict,
      broken(cause) {
        try {
          transaction.abandon()
          if (db.open) db.close()
        } catch {
          // What the engine says now changes nothing: it is not asked any more.
        } finally {
          lose(cause)
        }
      },
    },
    timers,
    observed,
  )
  const checkpoints = timers.every(CHECKPOINT_MS, checkpoint)

  function checkpoint(): void {
    if (!dirty || !db.open) return
    transaction.commitOrTell()
    dirty = false
    try {
      if (db.open) db.pragma('wal_checkpoint(PASSIVE)')
    } catch (cause) {
      group.abandon(cause)
    }
  }

  let isEnded = false
  async function end(last: () => void): Promise<void> {
    if (isEnded) return
    isEnded = true
    checkpoints()
    try {
      if (db.open) last()
    } finally {
      await redo.close()
      if (db.open) db.close()
      unlock()
    }
  }

  return {
    commit: group.commit,
    lost: () => lost,
    ...told(reader(db, transaction.check), group.settled),
    async close() {
      await group.end()
      await end(() => {
        transaction.commit()
        redo.clear()
        db.pragma('wal_checkpoint(TRUNCATE)')
      })
    },
    abandon: () => end(() => group.abandon(new Error('the ledger was abandoned'))),
  }
}

type Reads = ReturnType<typeof reader>

/** What is read of these calls is told to others, who act on it: it must be durable then. */
const TOLD = [
  'job',
  'recentJobs',
  'receipt',
  'lastReceiptOf',
  'output',
  'newestLeafOf',
  'batch',
  'batchOfLeaf',
  'recentBatches',
] as const

function told(reads: Reads, settled: () => Promise<void>): Reads {
  const later =
    <A extends unknown[], R>(read: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const found = await read(...args)
      await settled()
      return found
    }
  const changed = Object.fromEntries(
    TOLD.map((name) => [name, later(reads[name] as (...args: never[]) => Promise<unknown>)]),
  )
  return { ...reads, ...changed }
}

/**
 * Admits one process to the ledger. The lock is the kernel's, on a file of its own: it ends with the process, and at
 * once when it is given back (the ledger's own connection lives on until its statements are collected).
 */
function lock(path: string): () => void {
  const db = new Database(`${path}.lock`)
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    throw refused('ledger.in_use', `The ledger ${path} is used by another router.`, {
      fix: 'Stop the router that uses this data directory, or choose another one.',
      cause,
    })
  }
  return () => db.close()
}

function open(path: string): Sqlite {
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('wal_autocheckpoint = 0')
  return db
}

/** @throws `ledger.version` (refused). */
function checkVersion(db: Sqlite, path: string): void {
  const version = versionOf(db)
  const newest = SCHEMA_STEPS.length
  if (version <= newest) return
  throw refused('ledger.version', `The ledger ${path} has version ${version}; this router reads ${newest}.`, {
    fix: 'Start the newer router that wrote it.',
  })
}

// Read as a row: the driver's "simple" pragmas give rows as well.
const versionOf = (db: Sqlite): number =>
  (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

function migrate(db: Sqlite): void {
  const version = versionOf(db)
  for (const [index, step] of SCHEMA_STEPS.entries()) {
    if (index < version) continue
    db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}
