import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { refused } from '../../../sdk/errors.ts'
import type { Cancel, Timers } from '../../world.ts'
import { type CommitObserver, groupCommits } from './group.ts'
import type { Ledger } from './ledger.ts'
import { reader } from './read.ts'
import { SCHEMA_STEPS } from './schema.ts'
import { writer } from './write.ts'

export type Sqlite = InstanceType<typeof Database>

/** How often the write-ahead log is folded back into the database while it grows. */
const CHECKPOINT_MS = 250

export interface SqliteLedger extends Ledger {
  /** Ends as a crash would: what is not durable is lost. */
  abandon(): void
}

/**
 * The ledger in one SQLite file: write-ahead log, `synchronous=FULL`. One connection writes, reads and checkpoints;
 * nobody else may open the file meanwhile.
 *
 * @throws `ledger.in_use` (refused) if another process has it; `ledger.version` (refused) if a newer program wrote it.
 */
export function openSqlite(path: string, timers: Timers, observed?: CommitObserver): SqliteLedger {
  mkdirSync(dirname(path), { recursive: true })
  const unlock = lock(path)
  const db = open(path)
  migrate(db, path)

  const apply = writer(db)
  let dirty = false
  const group = groupCommits(
    (ops) => {
      apply(ops)
      dirty = true
    },
    timers,
    observed,
    isConflict,
  )
  const checkpoints: Cancel = timers.every(CHECKPOINT_MS, () => {
    if (!dirty) return
    dirty = false
    db.pragma('wal_checkpoint(PASSIVE)')
  })

  return {
    commit: group.commit,
    ...reader(db),
    async close() {
      if (!db.open) return
      await group.drain()
      checkpoints()
      db.pragma('wal_checkpoint(TRUNCATE)')
      db.close()
      unlock()
    },
    abandon() {
      group.abandon()
      checkpoints()
      db.close()
      unlock()
    },
  }
}

/** Whether the engine refused what it was told to write, and could write something else. */
const isConflict = (cause: unknown): boolean =>
  String((cause as { code?: unknown } | undefined)?.code).startsWith('SQLITE_CONSTRAINT')

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

function migrate(db: Sqlite, path: string): void {
  // Read as a row: the driver's "simple" pragmas give rows as well.
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number }
  const version = row.user_version
  const newest = SCHEMA_STEPS.length
  if (version > newest) {
    throw refused(
      'ledger.version',
      `The ledger ${path} has version ${version}; this router reads ${newest}.`,
      {
        fix: 'Start the newer router that wrote it.',
      },
    )
  }
  for (const [index, step] of SCHEMA_STEPS.entries()) {
    if (index < version) continue
    db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}
