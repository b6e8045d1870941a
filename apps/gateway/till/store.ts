import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { HeuristError, refused } from '../../../sdk/errors.ts'

export type Store = InstanceType<typeof Database>

/**
 * Step n brings version n - 1 to n. Amounts are base units of the payment asset, times Unix milliseconds.
 *
 * `calls` is append-only but for its one closing: what an account has is its deposits less the prices of closed calls less
 * the holds of open ones.
 */
const STEPS = [
  `CREATE TABLE accounts (wallet TEXT PRIMARY KEY, created INTEGER NOT NULL,
     low_mark INTEGER NOT NULL DEFAULT 0);
   CREATE TABLE keys (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, wallet TEXT NOT NULL REFERENCES accounts, name TEXT NOT NULL,
     quota INTEGER, expires INTEGER, pods TEXT, per_minute INTEGER NOT NULL, created INTEGER NOT NULL, revoked INTEGER);
   CREATE INDEX keys_of ON keys (wallet);
   CREATE TABLE deposits (id TEXT PRIMARY KEY, wallet TEXT NOT NULL REFERENCES accounts, amount INTEGER NOT NULL,
     made INTEGER NOT NULL);
   CREATE INDEX deposits_of ON deposits (wallet);
   CREATE TABLE calls (id INTEGER PRIMARY KEY, wallet TEXT NOT NULL REFERENCES accounts, key TEXT NOT NULL, pod TEXT NOT NULL,
     hold INTEGER NOT NULL, opened INTEGER NOT NULL, request TEXT, price INTEGER, units_in INTEGER, units_out INTEGER,
     closed INTEGER);
   CREATE INDEX calls_open ON calls (id) WHERE closed IS NULL;
   CREATE INDEX calls_of ON calls (wallet, opened);
   CREATE TABLE answers (key TEXT NOT NULL, name TEXT NOT NULL, body_hash TEXT NOT NULL, made INTEGER NOT NULL,
     status INTEGER, headers TEXT, body BLOB, PRIMARY KEY (key, name));
   CREATE INDEX answers_made ON answers (made);
   CREATE TABLE sessions (sha256 TEXT PRIMARY KEY, wallet TEXT NOT NULL REFERENCES accounts, expires INTEGER NOT NULL);`,
  // What a call counts towards beside its account and its key: names, separated by spaces.
  `ALTER TABLE calls ADD COLUMN counted TEXT;
   CREATE TABLE secrets (name TEXT PRIMARY KEY, bytes BLOB NOT NULL);`,
  // Payments by x402: see x402/books.ts.
  `CREATE TABLE payments (id TEXT PRIMARY KEY, payer TEXT NOT NULL, amount INTEGER NOT NULL, payload TEXT NOT NULL,
     streams INTEGER NOT NULL, asked TEXT NOT NULL, since INTEGER NOT NULL, state TEXT NOT NULL, opened INTEGER NOT NULL,
     sent TEXT NOT NULL DEFAULT '', cost INTEGER, answer TEXT, body BLOB, hash TEXT, closed INTEGER);
   CREATE INDEX payments_standing ON payments (payer) WHERE state IN ('open', 'due', 'lost');`,
  // Who is told that an account has little, whether it has, and what was told.
  `CREATE TABLE webhooks (wallet TEXT PRIMARY KEY REFERENCES accounts, url TEXT NOT NULL, secret TEXT NOT NULL,
     low INTEGER NOT NULL DEFAULT 0, made INTEGER NOT NULL);
   CREATE TABLE deliveries (id TEXT PRIMARY KEY, wallet TEXT NOT NULL REFERENCES accounts, body TEXT NOT NULL,
     made INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, ended INTEGER, outcome TEXT);
   CREATE INDEX deliveries_of ON deliveries (wallet, made);`,
]

/**
 * The gateway's books in one SQLite file: write-ahead log, every commit synced.
 *
 * @throws `till.version` (refused) if a newer gateway wrote it, `till.corrupt` (refused) if nobody can read it.
 */
export function openStore(dataDir: string): Store {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'till.sqlite')
  // Nobody else's to read from the first byte on.
  closeSync(openSync(file, 'a', 0o600))
  const db = new Database(file)
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    migrate(db)
    return db
  } catch (cause) {
    db.close()
    if (cause instanceof HeuristError) throw cause
    throw refused('till.corrupt', `${file} cannot be read as the gateway's books`, {
      cause,
      fix: 'Restore it from a backup. Without it no key opens this door and no account has anything.',
    })
  }
}

function migrate(db: Store): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > STEPS.length) {
    throw refused('till.version', `the books are of version ${version}; this gateway reads ${STEPS.length}`, {
      fix: 'Start the newer gateway again.',
    })
  }
  for (let step = version; step < STEPS.length; step += 1) {
    db.exec(`BEGIN IMMEDIATE; ${STEPS[step]} PRAGMA user_version = ${step + 1}; COMMIT`)
  }
}
