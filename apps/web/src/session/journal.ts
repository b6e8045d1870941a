import { later } from '../../../../sdk/errors.ts'
import {
  type AccountId,
  decodeEntry,
  emptyBook,
  encodeEntry,
  enter,
  type Journal,
  type JournalEntry,
  type JournalLog,
  locked,
  openingEntry,
} from '../../../../sdk/journal.ts'
import { type OwnBook, ownBookOf } from '../../../../sdk/own-book.ts'
import type { SessionDb } from './store.ts'

/** Journals in IndexedDB: appended in order, flushed to the disk, each held by one tab at a time through Web Locks. */

/** Past this many entries a journal is replaced by its sums at the next start. */
const MOST_ENTRIES = 400

/** What is needed of `navigator.locks`. */
export type Locks = Pick<LockManager, 'request'>

export function browserJournal(db: SessionDb, locks: Locks): Journal {
  return {
    async open(account) {
      const name = nameOf(account)
      const release = await hold(locks, lockName(name))
      if (!release) throw locked(account.payer, 'another tab of this browser')
      try {
        return await openLog(db, name, account, release)
      } catch (cause) {
        release()
        throw cause
      }
    },
  }
}

/** Resolves as soon as no tab holds the account's journal; it is not held then. */
export async function journalFree(locks: Locks, account: AccountId): Promise<void> {
  await locks.request(lockName(nameOf(account)), async () => undefined)
}

/** Whether the journal of an account has calls whose end it does not know. @throws `journal.damaged` (refused). */
export async function hasOpenCalls(db: SessionDb, account: AccountId): Promise<boolean> {
  const book = emptyBook()
  for (const entry of await entriesOf(db, account)) enter(book, entry)
  return book.pending.size > 0
}

/** What this browser's journal of an account says; undefined if it has none. Whoever holds it may write on meanwhile. */
export async function readOwnBook(db: SessionDb, account: AccountId): Promise<OwnBook | undefined> {
  const entries = await entriesOf(db, account)
  const [first] = entries
  if (first === undefined) return undefined
  // A journal that was replaced by its sums no longer knows its calls one by one.
  const isWhole = first.type !== 'opened' || first.count === 0
  return ownBookOf(entries, isWhole ? [] : undefined)
}

const entriesOf = async (db: SessionDb, account: AccountId): Promise<JournalEntry[]> =>
  (await db.getAll('journal', rangeOf(nameOf(account)))).map(decodeEntry)

const rangeOf = (name: string) => IDBKeyRange.bound([name, 0], [name, Number.MAX_SAFE_INTEGER])
const nameOf = ({ chainId, ledger, router, payer }: AccountId): string =>
  `${payer}-${router}-${chainId}-${ledger}`.toLowerCase()
const lockName = (name: string) => `heurist-journal-${name}`

/** Takes a lock until the returned function is called, or undefined if somebody has it. The browser frees it with the tab. */
function hold(locks: Locks, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(undefined)
        return new Promise<void>((release) => resolve(() => release()))
      })
      .catch(reject)
  })
}

async function openLog(
  db: SessionDb,
  name: string,
  account: AccountId,
  release: () => void,
): Promise<JournalLog> {
  const { entries, next } = await readEntries(db, name, account)
  let seq = next
  let closed = false
  return {
    entries,
    async append(...more) {
      if (closed) throw later('journal.closed', 'the journal was given back', { fix: 'Load the page again.' })
      const at = seq
      seq += more.length
      await write(db, async (store) => {
        await Promise.all(more.map((entry, index) => store.add(encodeEntry(entry), [name, at + index])))
      })
    },
    async close() {
      if (closed) return
      closed = true
      release()
    },
  }
}

async function readEntries(
  db: SessionDb,
  name: string,
  account: AccountId,
): Promise<{ entries: JournalEntry[]; next: number }> {
  const range = rangeOf(name)
  const [keys, lines] = await Promise.all([db.getAllKeys('journal', range), db.getAll('journal', range)])
  const entries = lines.map(decodeEntry)
  const next = (keys.at(-1)?.[1] ?? -1) + 1
  if (entries.length > 0 && entries.length <= MOST_ENTRIES) return { entries, next }

  const book = emptyBook()
  for (const entry of entries) enter(book, entry)
  const first = openingEntry(account, book, Date.now())
  await write(db, async (store) => {
    await store.delete(range)
    await store.add(encodeEntry(first), [name, next])
  })
  return { entries: [first], next: next + 1 }
}

type JournalStore = ReturnType<ReturnType<typeof writing>['objectStore']>
const writing = (db: SessionDb) => db.transaction('journal', 'readwrite', { durability: 'strict' })

/** @throws `journal.unwritable` (later): nothing of it was written. */
async function write(db: SessionDb, work: (store: JournalStore) => Promise<void>): Promise<void> {
  try {
    const transaction = writing(db)
    await Promise.all([work(transaction.objectStore('journal')), transaction.done])
  } catch (cause) {
    throw later('journal.unwritable', 'the browser could not write down what was about to be signed', {
      fix: 'Free some space or load the page again; nothing was sent.',
      cause,
    })
  }
}
