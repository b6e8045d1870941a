import type { Client } from '../../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../../sdk/errors.ts'
import { maxPriceOf, unitLimitsOf } from '../../../../../sdk/protocol/price.ts'
import type { Manifest } from '../../network/models.ts'
import type { Excerpt } from '../chat.ts'
import { type Cut, inCalls, nearest, piecesOf } from './split.ts'

/** Documents as excerpts with their vectors, made by the embed pod and paid like any call. */

export interface Piece {
  text: string
  vector: readonly number[]
}

/** A document of one chat, as this browser keeps it. */
export interface IndexedDocument {
  id: string
  name: string
  pieces: readonly Piece[]
  /** What its vectors cost, base units as decimal text, and the receipts of that. */
  price: string
  requests: readonly string[]
}

const CUT: Cut = { size: 1_000, overlap: 200 }
/** Models that read less than such an excerpt get shorter ones, down to this. Characters. */
const LEAST_SIZE = 60
const MOST_EXCERPTS = 7
const LEAST_SCORE = 0.15
/** So many pieces are indexed at most. */
const MOST_PIECES = 4_000

export interface Embedder {
  client: Client
  pod: string
  manifest: Manifest
}

const callsOf = (pieces: readonly string[], { limits }: Manifest): string[][] =>
  // A token is at least a byte: what fits by bytes fits by tokens.
  inCalls(pieces, Math.min(limits.inputBytes, limits.inputUnits) - 64)

/** The most that indexing a text can cost. Base units. */
export function indexPrice(text: string, manifest: Manifest): bigint {
  return callsOf(piecesOf(text, CUT), manifest).reduce((sum, input) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ input })).length
    return sum + maxPriceOf(manifest, unitLimitsOf(manifest, { input }, bytes))
  }, 0n)
}

/**
 * Indexes a text. A model that refuses a piece as too long is asked again with shorter ones; a refusal costs nothing.
 *
 * @throws `document.too_long` (refused); what the calls throw.
 */
export async function indexText(
  embedder: Embedder,
  { id, name, text }: { id: string; name: string; text: string },
  tell: (done: number, of: number) => void,
): Promise<IndexedDocument> {
  for (let cut = CUT; ; cut = { size: Math.floor(cut.size / 2), overlap: Math.floor(cut.overlap / 2) }) {
    const texts = piecesOf(text, cut)
    if (texts.length > MOST_PIECES) {
      throw refused('document.too_long', `${name} is too long to be indexed`, { fix: 'Choose a part of it.' })
    }
    try {
      return { id, name, ...(await embedAll(embedder, texts, tell)) }
    } catch (cause) {
      if (asHeuristError(cause).code !== 'input.too_long' || cut.size / 2 < LEAST_SIZE) throw cause
    }
  }
}

async function embedAll(
  { client, pod, manifest }: Embedder,
  texts: readonly string[],
  tell: (done: number, of: number) => void,
) {
  const pieces: Piece[] = []
  const requests: string[] = []
  let price = 0n
  for (const input of callsOf(texts, manifest)) {
    const answer = await client.run(pod, { input })
    requests.push(answer.request)
    price += answer.price
    for (const [index, text] of input.entries()) {
      pieces.push({ text, vector: answer.embeddings?.[index] ?? [] })
    }
    tell(pieces.length, texts.length)
  }
  return { pieces, requests, price: price.toString() }
}

/**
 * The excerpts that a question is answered from: at most seven, none that is far from it.
 *
 * @throws what the call throws.
 */
export async function excerptsFor(
  { client, pod }: Pick<Embedder, 'client' | 'pod'>,
  question: string,
  documents: readonly IndexedDocument[],
): Promise<Excerpt[]> {
  const { embeddings } = await client.run(pod, { input: question })
  const pieces = documents.flatMap(({ name, pieces }) => pieces.map((piece) => ({ ...piece, name })))
  return nearest(embeddings?.[0] ?? [], pieces, { most: MOST_EXCERPTS, least: LEAST_SCORE }).map(
    ({ item, score }) => ({ document: item.name, text: item.text, score }),
  )
}
