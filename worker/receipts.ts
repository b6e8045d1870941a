import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import type { Address, Hex } from 'viem'
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
   * From now on what is put, counted and told is of this router alone; what was put for none before is its own. The one receipt
   * of a request is one for all routers.
   */
  serve(router: Address): void
  /**
   * Resolves once the receipt is on disk, with the one that counts: an earlier one wins.
   * Receipts of one turn of the event loop share one disk flush.
   */
  put(delivery: Delivery): Promise<Delivery>
  find(request: Hex): Delivery | undefined
  /**
   * The router holds it durably: it need not be repeated. `charged`: and says that the payer was charged for it, which it may
   * say after it has said that they were not.
   */
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
  output BLOB NOT NULL,
  router TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
  router TEXT NOT NULL,
  at INTEGER NOT NULL,
  gross TEXT NOT NULL,
  PRIMARY KEY (router, at)
) WITHOUT ROWID;
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

function open(dataDir: string): Database.Database {
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
    'INSERT INTO receipts (request, at, signed, output, router) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const select = database.prepare('SELECT signed, output FROM receipts WHERE request = ?')
  const mark = database.prepare(
    'UPDATE receipts SET received = 1 WHERE request = ? AND received = 0 AND router = ?',
  )
  const total = database.prepare('INSERT OR REPLACE INTO totals (router, at, gross) VALUES (?, ?, ?)')
  const newest = database.prepare(
    'SELECT at, gross FROM totals WHERE router = ? AND at <= ? ORDER BY at DESC LIMIT 1',
  )
  const thin = database.prepare(
    'DELETE FROM totals WHERE at < (SELECT max(at) FROM totals AS later WHERE later.router = totals.router AND later.at <= ?)',
  )
  const doubt = database.prepare(
    'INSERT OR IGNORE INTO uncharged (request, at, price, router) VALUES (?, ?, ?, ?)',
  )
  const believe = database.prepare('DELETE FROM uncharged WHERE request = ? AND router = ?')
  const doubts = database.prepare('SELECT price FROM uncharged WHERE router = ? AND at >= ?')
  const clear = database.prepare('DELETE FROM uncharged WHERE at < ?')
  const waiting = database.prepare(
    "SELECT signed, at FROM receipts WHERE received = 0 AND (? = '' OR router = ?) ORDER BY at, request",
  )
  const forget = database.prepare('DELETE FROM receipts WHERE (received = 1 AND at < ?) OR at < ?')

  interface Write {
    delivery: Delivery
    resolve(stored: Delivery): void
    reject(cause: unknown): void
  }
  let writes: Write[] = []
  let closed = false
  /** Empty before it is said whom this store serves. */
  let router = ''
  let unanswered = sumUnanswered()

  function sumUnanswered() {
    const sum = sumOf(UNRECEIVED_KEPT_MS, now)
    for (const { signed, at } of waitingRows()) sum.add(signed.receipt, at)
    return sum
  }

  function waitingRows(): { signed: SignedReceipt; at: number }[] {
    const rows = waiting.all(router, router) as { signed: string; at: number }[]
    return rows.map(({ signed, at }) => ({ signed: signedOf(signed), at }))
  }

  const find = (request: Hex): Delivery | undefined => {
    const row = select.get(request) as Row | undefined
    return row && delivery(row)
  }

  function chargedAt(before: number): { at: number; gross: bigint } {
    const row = newest.get(router, before) as { at: number; gross: string } | undefined
    return { at: row?.at ?? 0, gross: BigInt(row?.gross ?? '0') }
  }

  /** Cumulative, one row per moment: the clock may stand still or go back, the sum may not fall. */
  function addCharged(price: bigint): void {
    const { at, gross } = chargedAt(Number.MAX_SAFE_INTEGER)
    total.run(router, Math.max(at, now()), (gross + price).toString())
  }

  /** @returns false if the request has a receipt already. */
  const insertOne = ({ signed, output }: Delivery): boolean =>
    insert.run(signed.receipt.request, now(), toWire(signed), Buffer.from(output), router).changes === 1

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
    if (price === undefined) return
    // A router repeats itself after a reconnection. It charges for what it has failed once when it is asked for again.
    const isFirst = mark.run(request, router).changes === 1
    if (charged && (isFirst || believe.run(request, router).changes === 1)) addCharged(price)
    else if (isFirst) doubt.run(request, now(), price.toString(), router)
  })

  const adopt = database.transaction((served: string) => {
    for (const table of ['receipts', 'totals', 'uncharged'])
      database.prepare(`UPDATE OR IGNORE ${table} SET router = ? WHERE router = ''`).run(served)
  })

  return {
    find,
    serve(served) {
      flush()
      adopt.immediate(served.toLowerCase())
      router = served.toLowerCase()
      unanswered = sumUnanswered()
    },
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
      charged: chargedAt(Number.MAX_SAFE_INTEGER).gross,
      chargedBefore: chargedAt(now() - GRACE_MS).gross,
      chargedDayBefore: chargedAt(now() - POSTED_MS).gross,
      uncharged: (doubts.all(router, now() - RECEIVED_KEPT_MS) as { price: string }[]).reduce(
        (sum, { price }) => sum + BigInt(price),
        0n,
      ),
      unanswered: unanswered.sum(),
    }),
    unreceived: () => waitingRows().map(({ signed }) => signed),
    prune() {
      clear.run(now() - RECEIVED_KEPT_MS)
      thin.run(now() - POSTED_MS)
      return forget.run(now() - RECEIVED_KEPT_MS, now() - UNRECEIVED_KEPT_MS).changes
    },
    close() {
      flush()
      closed = true
      // `close` alone keeps the lock until the statements are collected as garbage.
      database.pragma('journal_mode = DELETE')
      database.pragma('locking_mode = NORMAL')
      waiting.all(router, router)
      database.close()
    },
  }
}

/** Prices of what is not older than that, added up as they come: to look through all at every call would be slow. */
function sumOf(keptMs: number, now: () => number) {
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
        if (at >= now() - keptMs) break
        drop(request)
      }
      return sum
    },
  }
}
