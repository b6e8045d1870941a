import { truncateSync } from 'node:fs'
import { openAppendFile, readLines } from '../../../sdk/append-file.ts'
import { refused } from '../../../sdk/errors.ts'
import type { Row, Value } from './write.ts'

/** What the engine wrote in one piece, under a rising number. */
export interface Entry {
  number: number
  rows: readonly Row[]
}

/**
 * What was acknowledged and is perhaps in no committed transaction yet, one line per entry. A line is durable after one short
 * write at the end of a file, which blocks nobody; a commit writes every page that was touched, and blocks all.
 */
export interface RedoLog {
  /** Takes an entry, to be written with those after it. */
  add(entry: Entry): void
  /**
   * Resolves when everything so far would survive a power cut.
   *
   * @returns false if that is so much that committing it costs less than writing it twice: it is not in the log.
   * @throws `AppendError`.
   */
  flush(): Promise<boolean>
  /** Everything so far is committed: what was not written need not be. */
  committed(): void
  /** Everything so far is committed and goes. */
  clear(): void
  close(): Promise<void>
}

/** To be raised with every change of a statement's name or values: rows name statements of one program. */
const VERSION = 1

/** More than this is not written at once. Bytes. */
const MOST_LOGGED = 64 * 1024
/** A log beyond this begins anew. Bytes. */
const MOST_BYTES = 1024 * 1024

/**
 * What an earlier process left, in its order.
 *
 * @param after  What is committed already: entries up to this number are not looked at.
 * @throws `ledger.version`, `ledger.corrupt` (refused).
 */
export function readRedo(path: string, after: number): Entry[] {
  const lines = readLines(path).lines.map(parsed)
  return lines.flatMap((line) => (line[1] > after ? [entryOf(line)] : []))
}

/** Goes on after what was left there. */
export function openRedo(path: string): RedoLog {
  const { bytes, whole } = readLines(path)
  if (bytes < whole) truncateSync(path, bytes)
  const file = openAppendFile(path, bytes)
  let waiting: Entry[] = []
  return {
    add: (entry) => void waiting.push(entry),
    async flush() {
      if (waiting.reduce((sum, { rows }) => sum + sizeOf(rows), 0) > MOST_LOGGED) return false
      const text = waiting.map(lineOf).join('')
      waiting = []
      await file.append(text)
      return true
    },
    committed() {
      waiting = []
      if (file.size > MOST_BYTES) file.clear()
    },
    clear: file.clear,
    close: file.close,
  }
}

/** A line: version, number, rows. */
type Line = [version: number, number: number, rows: Written[]]

const lineOf = ({ number, rows }: Entry): string => `${JSON.stringify([VERSION, number, rows.map(encode)])}\n`

function parsed(text: string): Line {
  try {
    const line = JSON.parse(text) as Line
    if (Number.isSafeInteger(line[0]) && Number.isSafeInteger(line[1])) return line
  } catch {
    // Told below.
  }
  throw refused('ledger.corrupt', 'A line of the redo log of the ledger cannot be read.', {
    fix: 'Restore it from a backup: without it the router does not know what it acknowledged last.',
  })
}

function entryOf([version, number, rows]: Line): Entry {
  if (version === VERSION) return { number, rows: rows.map(decode) }
  throw refused('ledger.version', 'The redo log of the ledger was left by another version of the router.', {
    fix: 'Start that version once more and stop it: it brings its ledger in order.',
  })
}

const lengthOf = (value: Value): number =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.length : 0

const sizeOf = (rows: readonly Row[]): number =>
  rows.reduce((sum, row) => row.reduce<number>((size, value) => size + lengthOf(value), sum), 0)

/** A row as JSON has it: bytes in base64. */
type Written = (string | number | null | { bytes: string })[]

const encode = (row: Row): Written =>
  row.map((value) => (Buffer.isBuffer(value) ? { bytes: value.toString('base64') } : value))

const decode = (row: Written): Row =>
  row.map(
    (value): Value =>
      typeof value === 'object' && value !== null ? Buffer.from(value.bytes, 'base64') : value,
  ) as unknown as Row
