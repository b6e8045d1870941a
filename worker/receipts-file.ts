import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { later } from '../sdk/errors.ts'

const SCHEMA = `CREATE TABLE IF NOT EXISTS receipts (
  request TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  received INTEGER NOT NULL DEFAULT 0,
  signed TEXT NOT NULL,
  output BLOB NOT NULL,
  router TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
  router TEXT NOT NULL,
  at INTEGER NOT NULL,
  gross TEXT NOT NULL,
  PRIMARY KEY (router, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted (router TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uncharged (
  request TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  price TEXT NOT NULL,
  router TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID`

/** Stores of before counted for one router, whose name they did not keep. */
function migrate(database: Database.Database): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all([])
  const isThere = (name: string) => (tables as { name: string }[]).some((table) => table.name === name)
  for (const name of ['receipts', 'uncharged']) {
    const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(name)
    if (isThere(name) && !(columns as { name: string }[]).some((column) => column.name === 'router'))
      database.exec(`ALTER TABLE ${name} ADD COLUMN router TEXT NOT NULL DEFAULT ''`)
  }
  database.exec(SCHEMA)
  if (isThere('charged'))
    database.exec("INSERT INTO totals SELECT '', at, gross FROM charged; DROP TABLE charged")
}

/**
 * Opens the file in which a node's receipts and sums stand, or makes one.
 *
 * @throws `worker.already_running` (later) if another process has it open.
 */
export function openReceiptsFile(dataDir: string): Database.Database {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const database = new Database(join(dataDir, 'receipts.db'))
  try {
    // The lock is the kernel's and dies with the process: no stale lock after a crash.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.transaction(migrate).immediate(database)
  } catch (cause) {
    database.close()
    if ((cause as { code?: string }).code !== 'SQLITE_BUSY') throw cause
    throw later('worker.already_running', `Another worker uses ${dataDir}`, {
      fix: 'Stop it, or give this one a data folder (and a node) of its own.',
    })
  }
  return database
}
