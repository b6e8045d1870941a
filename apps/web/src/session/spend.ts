import type { Address } from 'viem'
import { decodeEntry, emptyBook, enter, type JournalEntry } from '../../../../sdk/journal.ts'
import type { SessionDb } from './store.ts'

/** What the keys of this browser were charged, day by day, by their own journals. Amounts in base units. */

export interface Day {
  /** `2026-11-26`, by the clock of this machine. */
  day: string
  charged: bigint
  calls: number
}

export interface Spend {
  /** Oldest first; days without a call are not there. */
  days: Day[]
  /** Charged before the oldest entry that is kept: journals are shortened to their sums now and then. */
  before: bigint
}

/** Of all keys of one router, whoever holds their journals now. */
export async function readSpend(
  db: SessionDb,
  { router, chainId, ledger }: { router: Address; chainId: number; ledger: Address },
): Promise<Spend> {
  const place = `-${router}-${chainId}-${ledger}`.toLowerCase()
  const [keys, lines] = await Promise.all([db.getAllKeys('journal'), db.getAll('journal')])
  const journals = new Map<string, JournalEntry[]>()
  keys.forEach(([name], index) => {
    const line = lines[index]
    if (!name.endsWith(place) || line === undefined) return
    journals.set(name, [...(journals.get(name) ?? []), decodeEntry(line)])
  })
  return spendOf([...journals.values()])
}

/** Pure. */
export function spendOf(journals: readonly (readonly JournalEntry[])[]): Spend {
  const days = new Map<string, Day>()
  let before = 0n
  for (const entries of journals) {
    const book = emptyBook()
    for (const entry of entries) {
      const [charged, count] = [book.charged, book.count]
      enter(book, entry)
      const more = book.charged - charged
      if (entry.type === 'opened') before += more
      if (entry.type !== 'booked' || book.count === count) continue
      const day = dayOf(entry.at)
      const sum = days.get(day) ?? { day, charged: 0n, calls: 0 }
      days.set(day, { day, charged: sum.charged + more, calls: sum.calls + 1 })
    }
  }
  return { days: [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)), before }
}

/** The day of a time, by the clock of this machine. */
export const dayOf = (at: number): string => {
  const date = new Date(at)
  const two = (part: number) => part.toString().padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
