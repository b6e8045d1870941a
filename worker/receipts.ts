import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import type { Hex } from 'viem'
import { bug, later } from '../sdk/errors.ts'
import { parseWire, type SignedReceipt, signedReceiptSchema, toWire } from '../sdk/protocol/wire.ts'
import type { Worked } from './limit.ts'

/**
 * What this node has signed, durable before anyone sees it. Two differing receipts of one node for one request are
 * slashable, so there is one receipt per request, for good: the primary key says so, and the file's lock admits one
 * process. A request's hash covers its payer.
 */

export interface Delivery {
  signed: SignedReceipt
  /** The bytes that `receipt.output` is the hash of, to answer the same request again without computing. */
  output: Uint8Array
}

export interface ReceiptStore {
  /**
   * Resolves once the receipt is on disk, with the one that counts: an earlier one wins.
   * Receipts of one turn of the event loop share one disk flush.
   */
  put(delivery: Delivery): Promise<Delivery>
  find(request: Hex): Delivery | undefined
  /** The router holds it durably: it need not be repeated. `charged`: and says that the payer was charged for it. */
  markReceived(request: Hex, charged: boolean): void
  /** The node's own reckoning, base units of gross; `chargedBefore` is that of `GRACE_MS` ago. */
  worked(): Worked
  /** Oldest first. */
  unreceived(): SignedReceipt[]
  /** Forgets received receipts after `RECEIVED_KEPT_MS`, others after `UNRECEIVED_KEPT_MS`. Count forgotten. */
  prune(): number
  close(): void
}

const HOUR_MS = 3_600_000
/** As long as a router keeps outputs, so a repeated request always finds one of the two. */
export const RECEIVED_KEPT_MS = 24 * HOUR_MS
/** The longest life of a voucher: after it nobody can be charged for the work. */
export const UNRECEIVED_KEPT_MS = 7 * 24 * HOUR_MS

/** What was charged must be in the router's Statements after this long. */
export const GRACE_MS = 600_000
/** What was charged must be settled after this long: then a Statement of it can be filed with the bond. */
export const POSTED_MS = 24 * HOUR_MS

interface Row {
  signed: string
  output: Buffer
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS receipts (
  request TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  received INTEGER NOT NULL DEFAULT 0,
  signed TEXT NOT NULL,
  output BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS charged (at INTEGER PRIMARY KEY, gross TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uncharged (request TEXT PRIMARY KEY, at INTEGER NOT NULL, price TEXT NOT NULL) WITHOUT ROWID`

function open(dataDir: string): Database.Database {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const database = new Database(join(dataDir, 'receipts.db'))
  try {
    // The lock is the kernel's and dies with the process: no stale lock after a crash.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.exec(SCHEMA)
  } catch (cause) {
    database.close()
    if ((cause as { code?: string }).code !== 'SQLITE_BUSY') throw cause
    throw later('worker.already_running', `Another worker uses ${dataDir}`, {
      fix: 'Stop it, or give this one a data folder (and a node) of its own.',
    })
  }
  return database
}

const signedOf = (text: string): SignedReceipt =>
  parseWire(signedReceiptSchema, JSON.parse(text), 'receipt.corrupt')

const delivery = (row: Row): Delivery => ({
  signed: signedOf(row.signed),
  output: new Uint8Array(row.output),
})

/**
 * @param now  Unix milliseconds.
 * @throws `worker.already_running` (later) if another process has the store open.
 */
export function openReceipts(dataDir: string, now: () => number = Date.now): ReceiptStore {
  const database = open(dataDir)
  const insert = database.prepare(
    'INSERT INTO receipts (request, at, signed, output) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const select = database.prepare('SELECT signed, output FROM receipts WHERE request = ?')
  const mark = database.prepare('UPDATE receipts SET received = 1 WHERE request = ? AND received = 0')
  const total = database.prepare('INSERT OR REPLACE INTO charged (at, gross) VALUES (?, ?)')
  const newest = database.prepare('SELECT gross FROM charged WHERE at <= ? ORDER BY at DESC LIMIT 1')
  const thin = database.prepare(
    'DELETE FROM charged WHERE at < (SELECT max(at) FROM charged WHERE at <= ?) AND at < ?',
  )
  const doubt = database.prepare('INSERT OR IGNORE INTO uncharged (request, at, price) VALUES (?, ?, ?)')
  const doubts = database.prepare('SELECT price FROM uncharged WHERE at >= ?')
  const clear = database.prepare('DELETE FROM uncharged WHERE at < ?')
  const waiting = database.prepare('SELECT signed, at FROM receipts WHERE received = 0 ORDER BY at, request')
  const forget = database.prepare('DELETE FROM receipts WHERE (received = 1 AND at < ?) OR at < ?')

  interface Write {
    delivery: Delivery
    resolve(stored: Delivery): void
    reject(cause: unknown): void
  }
  let writes: Write[] = []
  let closed = false
  const unanswered = sumOfDay(now)
  for (const { signed, at } of waitingRows()) unanswered.add(signed.receipt, at)

  function waitingRows(): { signed: SignedReceipt; at: number }[] {
    const rows = waiting.all() as { signed: string; at: number }[]
    return rows.map(({ signed, at }) => ({ signed: signedOf(signed), at }))
  }

  const find = (request: Hex): Delivery | undefined => {
    const row = select.get(request) as Row | undefined
    return row && delivery(row)
  }

  const chargedAt = (at: number): bigint =>
    BigInt((newest.get(at) as { gross: string } | undefined)?.gross ?? '0')

  /** Cumulative, one row per moment: the clock may stand still, the sum may not fall. */
  function addCharged(price: bigint): void {
    total.run(now(), (chargedAt(Number.MAX_SAFE_INTEGER) + price).toString())
  }

  /** @returns false if the request has a receipt already. */
  const insertOne = ({ signed, output }: Delivery): boolean =>
    insert.run(signed.receipt.request, now(), toWire(signed), Buffer.from(output)).changes === 1

  function flush(): void {
    const batch = writes
    writes = []
    if (batch.length === 0) return
    const fresh: boolean[] = []
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const write of batch) fresh.push(insertOne(write.delivery))
      database.exec('COMMIT')
    } catch (cause) {
      if (database.inTransaction) database.exec('ROLLBACK')
      for (const write of batch) write.reject(cause)
      return
    }
    batch.forEach((write, index) => {
      if (fresh[index]) unanswered.add(write.delivery.signed.receipt, now())
      const stored = fresh[index] ? write.delivery : find(write.delivery.signed.receipt.request)
      if (stored) write.resolve(stored)
      else write.reject(bug('receipt.lost', 'The receipt store lost what it had just written.'))
    })
  }

  /** In one step: a mark without its sum would never be counted. */
  const markAndCount = database.transaction((request: Hex, charged: boolean) => {
    const price = find(request)?.signed.receipt.price
    // Only the first word counts: a router repeats itself after a reconnection.
    if (mark.run(request).changes === 0 || price === undefined) return
    if (charged) addCharged(price)
    else doubt.run(request, now(), price.toString())
  })

  return {
    find,
    put: (delivery) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(later('worker.stopping', 'The receipt store is closed.'))
        if (writes.length === 0) setImmediate(flush)
        writes.push({ delivery, resolve, reject })
      }),
    markReceived(request, charged) {
      markAndCount.immediate(request, charged)
      unanswered.drop(request)
    },
    worked: () => ({
      charged: chargedAt(Number.MAX_SAFE_INTEGER),
      chargedBefore: chargedAt(now() - GRACE_MS),
      chargedDayBefore: chargedAt(now() - POSTED_MS),
      uncharged: (doubts.all(now() - RECEIVED_KEPT_MS) as { price: string }[]).reduce(
        (sum, { price }) => sum + BigInt(price),
        0n,
      ),
      unanswered: unanswered.sum(),
    }),
    unreceived: () => waitingRows().map(({ signed }) => signed),
    prune() {
      clear.run(now() - RECEIVED_KEPT_MS)
      thin.run(now() - POSTED_MS, now() - POSTED_MS)
      return forget.run(now() - RECEIVED_KEPT_MS, now() - UNRECEIVED_KEPT_MS).changes
    },
    close() {
      flush()
      closed = true
      // `close` alone keeps the lock until the statements are collected as garbage.
      database.pragma('journal_mode = DELETE')
      database.pragma('locking_mode = NORMAL')
      waiting.all()
      database.close()
    },
  }
}

/** Prices of the last day, added up as they come: a sum over all of them at every call would be theirs to slow down. */
function sumOfDay(now: () => number) {
  const open = new Map<Hex, { at: number; price: bigint }>()
  let sum = 0n

  function drop(request: Hex): void {
    sum -= open.get(request)?.price ?? 0n
    open.delete(request)
  }

  return {
    /** In the order of their times. */
    add({ request, price }: Pick<SignedReceipt['receipt'], 'request' | 'price'>, at: number): void {
      open.set(request, { at, price })
      sum += price
    },
    drop,
    sum(): bigint {
      for (const [request, { at }] of open) {
        if (at >= now() - RECEIVED_KEPT_MS) break
        drop(request)
      }
      return sum
    },
  }
}
