import { link, mkdir, open, readdir, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { AppendError, type Lines, openAppendFile, readLines, syncFolder } from './append-file.ts'
import { type HeuristError, later } from './errors.ts'
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
} from './journal.ts'
import { lockFile } from './lock-file.ts'
import { type OwnBook, ownBookOf } from './own-book.ts'

/** Journals as NDJSON files (Node only): appended, flushed to the disk, one lock file beside each. */

/** Past this size the file is archived at the next start, and a new one carries its sums on. */
const ARCHIVE_BYTES = 4 * 1024 * 1024

/** A verified receipt waits so long for the next flush. */
const LINGER_MS = 20

/** `HEURIST_HOME` or `./.heurist`. */
export const journalFolder = (): string => join(process.env.HEURIST_HOME ?? '.heurist', 'journal')

/** @param folder Where the files go; each account has its own. Default: `journal` in the data folder. */
export function fileJournal(folder: string = journalFolder()): Journal {
  return {
    async open(account) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, `${nameOf(account)}.ndjson`)
      const release = lockFile(`${path}.lock`, (owner) => locked(account.payer, owner))
      try {
        return await openLog(path, account, release)
      } catch (cause) {
        release()
        throw cause
      }
    },
  }
}

/**
 * What an account's journal counts, for whoever looks: it takes no lock and writes nothing, and its client goes on.
 *
 * @returns undefined if there is no journal of it in this folder.
 * @throws `journal.damaged` (refused).
 */
export async function readBook(
  account: AccountId,
  folder: string = journalFolder(),
): Promise<OwnBook | undefined> {
  const name = nameOf(account)
  const { entries } = readEntries(join(folder, `${name}.ndjson`))
  if (entries.length === 0) return undefined
  const before = (await readdir(folder)).filter((file) => file.startsWith(`${name}.until-`))
  return ownBookOf(
    entries,
    before.flatMap((file) => readEntries(join(folder, file)).entries),
  )
}

const nameOf = ({ chainId, ledger, router, payer }: AccountId): string =>
  `${payer}-${router}-${chainId}-${ledger}`.toLowerCase()

async function openLog(path: string, account: AccountId, release: () => void): Promise<JournalLog> {
  let { entries, bytes, whole } = readEntries(path)
  if (whole > ARCHIVE_BYTES) {
    entries = await archive(path, account, entries)
    bytes = whole = (await stat(path)).size
  }
  // Before the file is opened: Windows cuts none that is open to append.
  if (bytes < whole) await truncate(path, bytes)
  const file = openAppendFile(path, bytes)
  await file.ready
  const append = async (...entries: JournalEntry[]) => {
    await file.append(entries.map(encodeEntry).join('')).catch((cause: unknown) => {
      throw unwritable(cause)
    })
  }
  if (entries.length === 0) {
    const first = openingEntry(account, emptyBook(), Date.now())
    await append(first)
    entries = [first]
  }
  return {
    entries,
    append,
    lingerMs: LINGER_MS,
    async close() {
      await file.close()
      release()
    },
  }
}

function readEntries(path: string): Omit<Lines, 'lines'> & { entries: JournalEntry[] } {
  const { lines, ...sizes } = readLines(path)
  return { entries: lines.map(decodeEntry), ...sizes }
}

/** Starts a new file with the sums of the old one, which is kept beside it. */
async function archive(path: string, account: AccountId, entries: JournalEntry[]): Promise<JournalEntry[]> {
  const book = emptyBook()
  for (const entry of entries) enter(book, entry)
  const first = openingEntry(account, book, Date.now())
  const fresh = await open(`${path}.new`, 'w', 0o600)
  await fresh.writeFile(encodeEntry(first))
  await fresh.sync()
  await fresh.close()
  await link(path, path.replace(/\.ndjson$/, `.until-${Date.now()}.ndjson`))
  await rename(`${path}.new`, path)
  await syncFolder(path)
  return [first]
}

function unwritable(thrown: unknown): HeuristError {
  const { lasting, cause } = thrown instanceof AppendError ? thrown : { lasting: true, cause: thrown }
  return later('journal.unwritable', 'the disk did not take what was about to be signed, or was decided', {
    fix: lasting
      ? 'Start this program again: it reads what the disk holds.'
      : 'See that the disk of the data folder has room; then try again.',
    cause,
  })
}
