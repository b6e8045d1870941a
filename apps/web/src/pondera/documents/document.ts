import type { DocumentEntry } from '../chat.ts'
import { excerptBytes } from '../price.ts'

/** A document as a browser keeps it, and as its chat knows it. */

export interface Piece {
  text: string
  vector: readonly number[]
}

/** A document of one chat, as this browser keeps it. */
export interface IndexedDocument {
  id: string
  name: string
  /** Those that are paid for. */
  pieces: readonly Piece[]
  /** What is not indexed yet. */
  rest: readonly string[]
  /** Which model made its vectors, as `modelOf` names it. */
  model: string
  /** What its vectors cost so far, base units as decimal text, and the receipts of that. */
  price: string
  requests: readonly string[]
}

/** What a chat says of a document. */
export const entryOf = ({ id, name, pieces, rest, price }: IndexedDocument): DocumentEntry => ({
  id,
  name,
  pieces: pieces.length,
  rest: rest.length,
  price,
  widest: [...pieces.map(({ text }) => text), ...rest].reduce(
    (widest, text) => Math.max(widest, excerptBytes({ document: name, text })),
    0,
  ),
})
