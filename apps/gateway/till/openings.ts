import { readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { z } from 'zod'
import { openAppendFile } from '../../../sdk/append-file.ts'
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
  /** Of an earlier process, oldest first; what stands twice was signed again. */
  readonly left: readonly Opening[]
  /** Resolves once it is durable. @throws `till.unwritable` (later). */
  add(opening: Opening): Promise<void>
  /** Everything that was added is in the books. */
  booked(): void
  close(): Promise<void>
}

/** Below this a file is not worth shortening. Bytes. */
const MOST_BYTES = 256 * 1024

/** @throws `till.corrupt` (refused). */
export function openOpenings(dataDir: string): Openings {
  const path = join(dataDir, 'openings.ndjson')
  const content = readIfThere(path)
  // A torn last line was never acknowledged: no call was made of it.
  const whole = content.lastIndexOf('\n') + 1
  if (whole < content.length) truncateSync(path, whole)
  const left = content.subarray(0, whole).toString('utf8').split('\n').slice(0, -1).map(lineOf)
  const file = openAppendFile(path, whole)
  return {
    left,
    add: (opening) =>
      file.append(`${JSON.stringify(opening)}\n`).catch((cause: unknown) => {
        throw later('till.unwritable', 'the disk of the gateway did not take what a call is charged to', {
          fix: 'Try again later; nothing was charged.',
          cause,
        })
      }),
    booked() {
      if (file.size > MOST_BYTES) file.clear()
    },
    close: file.close,
  }
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw cause
  }
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
