import type { Job } from '../../../../../sdk/protocol/wire.ts'
import type { DocumentEntry } from '../chat.ts'
import { excerptBytes } from '../price.ts'

/** A document as a browser keeps it, and as its chat knows it. */

export interface Piece {
  text: string
  vector: readonly number[]
}

/** A call for the first of what is not indexed yet: signed, and no page has seen its end. */
export interface OpenCall {
  request: string
  /** What its answer is asked for with again: it is paid once. */
  job: Job
  /** What it cost, base units as decimal text, once this browser's journal says so: its page was closed meanwhile. */
  price?: string
  /** The journal was shortened since: its receipt alone says what it cost. */
  isForgotten?: true
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
  /** Those of them that may have cost something which their receipts alone say. */
  unpriced?: readonly string[]
  open?: OpenCall
}

/** The texts that a call carries. */
export const textsOf = ({ job }: OpenCall): readonly string[] =>
  (JSON.parse(job.input) as { input: string[] }).input

/** All that is known to be paid for it. Base units. */
export const costOf = ({ price, open }: Pick<IndexedDocument, 'price' | 'open'>): bigint =>
  BigInt(price) + BigInt(open?.price ?? 0)

/** Whether nothing of it is paid, as far as is known. */
export const isUnpaid = (document: IndexedDocument): boolean =>
  document.pieces.length === 0 &&
  costOf(document) === 0n &&
  document.open?.isForgotten !== true &&
  document.unpriced === undefined

/** Calls for it whose cost is not known, or not yet: their receipts say it. */
export const unpricedOf = ({ unpriced = [], open }: IndexedDocument): readonly string[] =>
  open && open.price === undefined ? [...unpriced, open.request] : unpriced

export function withoutOpen(document: IndexedDocument): IndexedDocument {
  const { open: _, ...rest } = document
  return rest
}

/** What a chat says of its documents: those that something was paid for. */
export const entriesOf = (documents: readonly IndexedDocument[]): DocumentEntry[] =>
  documents.filter((each) => !isUnpaid(each)).map(entryOf)

/** What a chat says of a document. */
export const entryOf = ({ id, name, pieces, rest, price, open }: IndexedDocument): DocumentEntry => ({
  id,
  name,
  pieces: pieces.length,
  rest: rest.length,
  price: costOf({ price, ...(open ? { open } : {}) }).toString(),
  widest: [...pieces.map(({ text }) => text), ...rest].reduce(
    (widest, text) => Math.max(widest, excerptBytes({ document: name, text })),
    0,
  ),
})
