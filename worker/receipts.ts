import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { bug, later } from '../sdk/errors.ts'
import { parseWire, type SignedReceipt, signedReceiptSchema, toWire } from '../sdk/protocol/wire.ts'
import type { Counted, Worked } from './limit.ts'
import { openReceiptsFile } from './receipts-file.ts'

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
  /** Where it counts from with the router that is served; undefined if it never counted with it. */
  counted(): Counted | undefined
  keepCounted(counted: Counted): void
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

const metSchema = z.object({
  gross: z.string().transform(BigInt),
  charged: z.string().transform(BigInt),
})
const countedSchema = z.object({ from: metSchema, marks: z.array(metSchema.extend({ at: z.number() })) })

interface Row {
  signed: string
  output: Buffer
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
  const database = openReceiptsFile(dataDir)
  const insert = database.prepare(
    'INSERT INTO receipts (request, at, signed, output, router) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const select = database.prepare('SELECT signed, output FROM receipts WHERE request = ?')
  const mark = database.prepare(
    'UPDATE receipts SET received = 1 WHERE request = ? AND received = 0 AND router = ?',
  )
  const total = database.prepare('INSERT OR REPLACE INTO totals (router, at, gross) VALUES (?, ?, ?)')
  const takeBack = database.prepare('DELETE FROM totals WHERE router = ? AND at > ?')
  const keep = database.prepare('INSERT OR REPLACE INTO counted (router, text) VALUES (?, ?)')
  const kept = database.prepare('SELECT text FROM counted WHERE router = ?')
  const newest = database.prepare(
    'SELECT gross FROM totals WHERE router = ? AND at <= ? ORDER BY at DESC LIMIT 1',
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
    "SELECT signed FROM receipts WHERE received = 0 AND (? = '' OR router = ?) ORDER BY at, request",
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
    const sum = sumOfPrices()
    for (const { receipt } of waitingReceipts()) sum.add(receipt)
    return sum
  }

  function waitingReceipts(): SignedReceipt[] {
    return (waiting.all(router, router) as { signed: string }[]).map(({ signed }) => signedOf(signed))
  }

  const find = (request: Hex): Delivery | undefined => {
    const row = select.get(request) as Row | undefined
    return row && delivery(row)
  }

  const chargedAt = (at: number): bigint =>
    BigInt((newest.get(router, at) as { gross: string } | undefined)?.gross ?? '0')

  /** Cumulative, one row per moment: the clock may stand still or go back, the sum may not fall. */
  function addCharged(price: bigint): void {
    const gross = chargedAt(Number.MAX_SAFE_INTEGER) + price
    takeBack.run(router, now())
    total.run(router, now(), gross.toString())
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
      if (fresh[index]) unanswered.add(write.delivery.signed.receipt)
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
    const give = (table: string, which = '') =>
      database.prepare(`UPDATE OR IGNORE ${table} SET router = ? WHERE router = ''${which}`).run(served)
    // Of those that wait only: to write the others anew with their outputs takes long, and nobody asks whose they are.
    give('receipts', ' AND received = 0')
    give('totals')
    give('uncharged')
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
      charged: chargedAt(Number.MAX_SAFE_INTEGER),
      chargedBefore: chargedAt(now() - GRACE_MS),
      chargedDayBefore: chargedAt(now() - POSTED_MS),
      uncharged: (doubts.all(router, now() - RECEIVED_KEPT_MS) as { price: string }[]).reduce(
        (sum, { price }) => sum + BigInt(price),
        0n,
      ),
      unanswered: unanswered.sum(),
    }),
    counted() {
      const row = kept.get(router) as { text: string } | undefined
      return row && countedSchema.parse(JSON.parse(row.text))
    },
    keepCounted: (counted) => void keep.run(router, toWire(counted)),
    unreceived: waitingReceipts,
    prune() {
      clear.run(now() - RECEIVED_KEPT_MS)
      thin.run(now() - POSTED_MS)
      const { changes } = forget.run(now() - RECEIVED_KEPT_MS, now() - UNRECEIVED_KEPT_MS)
      if (changes > 0) unanswered = sumUnanswered()
      return changes
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

/** Prices of what stands open, added up as they come: to look through all at every call would be slow. */
function sumOfPrices() {
  const open = new Map<Hex, bigint>()
  let sum = 0n
  return {
    add({ request, price }: Pick<SignedReceipt['receipt'], 'request' | 'price'>): void {
      open.set(request, price)
      sum += price
    },
    drop(request: Hex): void {
      sum -= open.get(request) ?? 0n
      open.delete(request)
    },
    sum: () => sum,
  }
}
