import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { HeuristError, refused } from '../../sdk/errors.ts'

export type Store = InstanceType<typeof Database>

/**
 * One SQLite file with a write-ahead log. What is committed survives the process in any case.
 *
 * @param steps  Step n brings version n - 1 to n.
 * @param sync  `FULL` survives a power cut too; `NORMAL` may lose the last commits in one, and asks the disk less often.
 * @throws `store.version` (refused) if a newer bot wrote it, `store.corrupt` (refused) if nobody can read it.
 */
export function openStore(
  dataDir: string,
  name: string,
  { steps, sync }: { steps: readonly string[]; sync: 'FULL' | 'NORMAL' },
): Store {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, name)
  // Nobody else's to read from the first byte on.
  closeSync(openSync(file, 'a', 0o600))
  const db = new Database(file)
  try {
    db.pragma('journal_mode = WAL')
    db.pragma(`synchronous = ${sync}`)
    migrate(db, file, steps)
    return db
  } catch (cause) {
    db.close()
    if (cause instanceof HeuristError) throw cause
    throw refused('store.corrupt', `${file} cannot be read`, {
      cause,
      fix: 'Restore it from a backup, or remove it: servers then set their channels again.',
    })
  }
}

function migrate(db: Store, file: string, steps: readonly string[]): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > steps.length) {
    throw refused('store.version', `${file} is of version ${version}; this bot reads ${steps.length}`, {
      fix: 'Start the newer bot again.',
    })
  }
  for (let step = version; step < steps.length; step += 1) {
    db.exec(`BEGIN IMMEDIATE; ${steps[step]} PRAGMA user_version = ${step + 1}; COMMIT`)
  }
}
