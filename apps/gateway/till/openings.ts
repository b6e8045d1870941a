import { existsSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { z } from 'zod'
import { AppendError, openAppendFile, readLines } from '../../../sdk/append-file.ts'
import { later, refused } from '../../../sdk/errors.ts'
import { hashSchema } from '../../../sdk/protocol/wire.ts'

const openingSchema = z.object({
  id: z.int().positive(),
  wallet: z.string(),
  key: z.string(),
  pod: z.string(),
  /** Base units. */
  hold: z.int().nonnegative(),
  /** Unix milliseconds. */
  opened: z.int().nonnegative(),
  request: hashSchema,
  counted: z.string().nullable(),
})

/** A call that was signed for: a row of the books. */
export interface Opening extends z.output<typeof openingSchema> {
  request: Hex
}

/**
 * What was opened and is perhaps not in the books yet. A line here is durable before its call is made and costs a fraction of
 * a commit, which blocks all other calls meanwhile; the books follow a moment later, many calls at once.
 */
export interface Openings {
  /** Resolves once the file is there. @throws `till.unwritable` (later). */
  readonly ready: Promise<void>
  /** Resolves once it is durable. @throws `till.unwritable` (later): the call must not be made. */
  add(opening: Opening): Promise<void>
  /** Everything that was added is in the books. */
  booked(): void
  close(): Promise<void>
}

/** Below this a file is not worth shortening. Bytes. */
const MOST_BYTES = 256 * 1024

const fileOf = (dataDir: string): string => join(dataDir, 'openings.ndjson')

/**
 * What an earlier process left, oldest first; what stands twice was signed again.
 *
 * @throws `till.corrupt` (refused).
 */
export function readOpenings(dataDir: string): Opening[] {
  return readLines(fileOf(dataDir)).lines.map(lineOf)
}

/** Begins anew: what an earlier process left is in the books. */
export function openOpenings(dataDir: string): Openings {
  const path = fileOf(dataDir)
  if (existsSync(path)) truncateSync(path)
  const file = openAppendFile(path, 0)
  return {
    ready: file.ready.then(() => undefined, unwritable),
    add: (opening) => file.append(`${JSON.stringify(opening)}\n`).catch(unwritable),
    booked() {
      if (file.size > MOST_BYTES) file.clear()
    },
    close: file.close,
  }
}

function unwritable(cause: unknown): never {
  const isLasting = !(cause instanceof AppendError) || cause.lasting
  throw later('till.unwritable', 'the disk of the gateway did not take whom a call is charged to', {
    fix: isLasting
      ? 'The gateway must be started again: it reads what its disk holds. Nothing was charged.'
      : 'Try again later; nothing was charged.',
    cause,
  })
}

function lineOf(line: string): Opening {
  try {
    return openingSchema.parse(JSON.parse(line))
  } catch (cause) {
    throw refused('till.corrupt', 'a line of openings.ndjson cannot be read', {
      fix: 'Restore it from a backup. Without it nobody knows whom some of the last calls are charged to.',
      cause,
    })
  }
}
