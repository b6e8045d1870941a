import { decodeEntry, type JournalEntry } from '../../../../sdk/journal.ts'
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

/** What a call cost, base units; `open` = that is not decided yet; `forgotten` = a journal that was shortened had it. */
export type CallEnd = bigint | 'open' | 'forgotten'

/** How a call of this browser ended, by its journals. */
export async function endOf(request: string): Promise<CallEnd> {
  const db = await openSessionDb()
  try {
    const price = (await readPrices(db, new Set([request]))).get(request)
    return price ?? openEnd(request, (await db.getAll('journal')).map(decodeEntry))
  } finally {
    db.close()
  }
}

/** Of a call that no entry decides. Without an entry nobody ever saw it, unless the entries before are gone. Pure. */
export function openEnd(request: string, entries: readonly JournalEntry[]): CallEnd {
  const isOpen = entries.some((entry) =>
    entry.type === 'opened'
      ? entry.pending.some((call) => call.request === request)
      : entry.type === 'signed' && entry.request === request,
  )
  if (isOpen) return 'open'
  return entries.some((entry) => entry.type === 'opened' && entry.count > 0) ? 'forgotten' : 0n
}
