import { decodeEntry } from '../../../../sdk/journal.ts'
import { openSessionDb, type SessionDb } from './store.ts'

/**
 * What calls of this browser's keys cost, by their own journals: the price of the receipt that was verified, nothing for
 * a call that was released or rejected. Calls whose end nobody knows yet are not there, nor are those of a journal that
 * was shortened to its sums meanwhile. Base units.
 */
export async function readPrices(db: SessionDb, requests: ReadonlySet<string>): Promise<Map<string, bigint>> {
  const prices = new Map<string, bigint>()
  for (const line of await db.getAll('journal')) {
    const entry = decodeEntry(line)
    if (!('request' in entry) || !requests.has(entry.request)) continue
    if (entry.type === 'booked') prices.set(entry.request, entry.answer.receipt.price)
    // A call that is booked stays so.
    else if (entry.type === 'released' || entry.type === 'rejected') {
      if (!prices.has(entry.request)) prices.set(entry.request, 0n)
    }
  }
  return prices
}

/** What one call cost; undefined while nobody knows. */
export async function priceOf(request: string): Promise<bigint | undefined> {
  const db = await openSessionDb()
  try {
    return (await readPrices(db, new Set([request]))).get(request)
  } finally {
    db.close()
  }
}
