import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { asHeuristError } from '../../../sdk/errors.ts'
import type { Client } from '../../../sdk/index.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { inCalls, piecesOf } from '../src/pondera/documents/split.ts'
import type { Passage } from './passages.ts'

/**
 * Vectors of the documents' passages, made once by the embed pod at the cost of the door's operator. What was paid for
 * is in a file named by pod and documents before the next call is made: a crash pays for one call again at most.
 */

export interface PieceVector {
  passage: number
  vector: readonly number[]
}

/** Who makes vectors. */
export interface Embedding {
  client: Pick<Client, 'run'>
  pod: string
  manifest: Manifest
  /** Of the manifest's bytes. */
  hash: string
}

export interface PassageVectors {
  /** All pieces once they are there, if this pod made them with so many numbers; undefined otherwise. */
  of(pod: string, dimensions: number): readonly PieceVector[] | undefined
  /** Makes what is missing; once at a time, and again after a failure. Never throws. */
  begin(): void
  /** The pod whose vectors are all there. */
  pod(): string | undefined
  /** Resolves when what `begin` began has ended. */
  settled(): Promise<void>
  /** Leaves the call that runs, at no cost, and begins no other. */
  close(): Promise<void>
}

/** Short enough for every embed pod: a passage is as near as its nearest piece. Characters. */
const CUT = { size: 200, overlap: 40 } as const
/** After a failure it is begun again not sooner than this. Milliseconds. */
const PAUSE_MS = 30_000

const lineSchema = z.strictObject({ from: z.number().int(), vectors: z.array(z.array(z.number())) })

export interface VectorsOptions {
  folder: string
  passages: readonly Passage[]
  /** Opened only when something is to be made. @throws what router and chain say. */
  embedding(): Promise<Embedding>
  tell(event: Record<string, unknown>): void
  now(): number
}

export function openVectors({ folder, passages, embedding, tell, now }: VectorsOptions): PassageVectors {
  const pieces = passages.flatMap(({ heading, text }, passage) =>
    piecesOf(`${heading}. ${text}`, CUT).map((piece) => ({ passage, text: piece })),
  )
  const docs = createHash('sha256').update(JSON.stringify(pieces)).digest('hex').slice(0, 16)
  let made: { pod: string; pieces: readonly PieceVector[] } | undefined
  let running: Promise<void> | undefined
  let notBefore = 0
  const leaving = new AbortController()

  async function make(): Promise<void> {
    const { client, pod, manifest, hash } = await embedding()
    const { inputBytes, inputUnits } = manifest.limits
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, `vectors-${hash.slice(2, 18)}-${docs}.ndjson`)
    const { vectors, bytes } = readWhole(path)
    const file = await open(path, 'a', 0o600)
    try {
      // What a crash left of a line is nobody's.
      await file.truncate(bytes)
      // A token is at least a byte: what fits by bytes fits by tokens.
      const rest = pieces.slice(vectors.length).map(({ text }) => text)
      for (const input of inCalls(rest, Math.min(inputBytes, inputUnits) - 64)) {
        const { embeddings = [] } = await client.run(pod, { input }, { signal: leaving.signal })
        if (embeddings.length !== input.length) throw new Error(`${pod} made ${embeddings.length} vectors`)
        await file.appendFile(lineOf(vectors.length, embeddings))
        await file.sync()
        vectors.push(...embeddings)
      }
    } finally {
      await file.close()
    }
    made = {
      pod,
      pieces: pieces.map(({ passage }, index) => ({ passage, vector: vectors[index] ?? [] })),
    }
    tell({ event: 'search.indexed', pod, pieces: pieces.length })
  }

  return {
    of(pod, dimensions) {
      const fits = made?.pod === pod && made.pieces[0]?.vector.length === dimensions
      return fits ? made?.pieces : undefined
    },
    pod: () => made?.pod,
    begin() {
      if (made || running || now() < notBefore || leaving.signal.aborted) return
      running = make()
        .catch((cause: unknown) => {
          if (leaving.signal.aborted) return
          notBefore = now() + PAUSE_MS
          tell({ event: 'search.index_failed', error: asHeuristError(cause).toJSON() })
        })
        .finally(() => {
          running = undefined
        })
    },
    async settled() {
      await running
    },
    async close() {
      leaving.abort()
      await running
    },
  }
}

const lineOf = (from: number, vectors: readonly (readonly number[])[]): string =>
  `${JSON.stringify({ from, vectors })}\n`

/** The vectors that are whole in a file, up to the first line that is torn or out of its place. */
function readWhole(path: string): { vectors: number[][]; bytes: number } {
  const vectors: number[][] = []
  let bytes = 0
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  for (const line of text.split('\n').slice(0, -1)) {
    const read = lineSchema.safeParse(jsonOf(line))
    if (!read.success || read.data.from !== vectors.length) break
    vectors.push(...read.data.vectors)
    bytes += Buffer.byteLength(line) + 1
  }
  return { vectors, bytes }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
