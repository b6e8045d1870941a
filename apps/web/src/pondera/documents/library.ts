import type { Hex } from 'viem'
import type { Answer, CallOptions } from '../../../../../sdk/calls.ts'
import type { Client } from '../../../../../sdk/client.ts'
import { asHeuristError, type HeuristError, refused } from '../../../../../sdk/errors.ts'
import { isUnanswered, OVER } from '../../session/again.ts'
import type { Lookup } from '../chat.ts'
import { MOST_EXCERPTS } from '../context.ts'
import { type IndexedDocument, type OpenCall, textsOf, withoutOpen } from './document.ts'
import {
  CUT,
  callPrice,
  callsOf,
  type EmbedCall,
  type EmbedTerms,
  finerOf,
  modelOf,
  questionCalls,
} from './price.ts'
import { nearestToAny, piecesOf } from './split.ts'

/** Documents as excerpts with their vectors, made by the embed pod and paid like any call. */

const LEAST_SCORE = 0.15
/** So many pieces are indexed at most. */
const MOST_PIECES = 4_000

export interface Embedder extends EmbedTerms {
  client: Pick<Client, 'run' | 'again' | 'receipt'>
}

/** A document of which nothing is indexed or paid yet. */
export const newDocument = (
  terms: EmbedTerms,
  { id, name, text }: { id: string; name: string; text: string },
): IndexedDocument => ({
  id,
  name,
  pieces: [],
  rest: piecesOf(text, CUT),
  model: modelOf(terms),
  price: '0',
  requests: [],
})

/**
 * Indexes what is left of a document, at no more than `indexPrice` of it. What a model refuses as too long is cut shorter
 * and asked again; a refusal costs nothing.
 *
 * @param keep  Awaited with each call that is signed, before anybody sees it, and after it, with all that is paid for: whether
 *   to go on.
 * @throws `document.too_long`, `document.other_model` (refused); what the calls throw.
 */
export async function indexRest(
  embedder: Embedder,
  begun: IndexedDocument,
  keep: (document: IndexedDocument) => Promise<boolean>,
): Promise<void> {
  const { manifest } = embedder
  if (begun.model !== modelOf(embedder)) throw otherModel(begun.name)
  let document = begun.open ? await fetched(embedder, begun, begun.open) : begun
  if (begun.open && !(await keep(document))) return
  let queue = callsOf(document.rest, CUT.size, manifest)
  /** No longer texts than this are tried once the model refused them. */
  let fits = CUT.size
  for (let call = queue.shift(); call; call = queue.shift()) {
    const finer = finerOf(call, manifest)
    if (call.size > fits && finer.length > 0) {
      queue = [...finer, ...queue]
      continue
    }
    const left = queue.flatMap(({ texts }) => texts)
    let isWanted = true
    try {
      const made = await embed(embedder, call, {
        async signed(request, job) {
          isWanted = await keep({ ...document, rest: [...call.texts, ...left], open: { request, job } })
          if (!isWanted) throw refused('call.left', 'it is not wanted any more')
        },
      })
      document = grown(document, made, left)
    } catch (cause) {
      if (!isWanted) return
      if (asHeuristError(cause).code !== 'input.too_long' || finer.length === 0) throw cause
      fits = finer[0]?.size ?? fits
      queue = [...finer, ...queue]
      checkCount(document, queue, fits)
      continue
    }
    if (!(await keep(document))) return
  }
}

/** With the answer to a call whose end no page saw: it is paid once. What came to nothing is asked for anew. */
async function fetched(
  { client }: Embedder,
  document: IndexedDocument,
  open: OpenCall,
): Promise<IndexedDocument> {
  const texts = textsOf(open)
  try {
    const { embeddings, price, request } = await client.again(open.job).catch((cause: unknown) => {
      // What a router refuses is over.
      if (asHeuristError(cause).kind === 'refused') return client.again(open.job)
      throw cause
    })
    const made = { pieces: piecesWith(texts, embeddings), price, request }
    return grown(document, made, document.rest.slice(texts.length))
  } catch (cause) {
    const { code, details } = asHeuristError(cause)
    if (!isUnanswered(cause)) throw cause
    if (code === OVER && open.price === undefined) return withoutOpen(document)
    const told = open.price ?? interruptedPrice(details) ?? (await receiptPrice(client, open.request))
    const lost = grown(
      document,
      { pieces: [], price: BigInt(told ?? 0), request: open.request },
      document.rest,
    )
    return told === undefined ? { ...lost, unpriced: [...(lost.unpriced ?? []), open.request] } : lost
  }
}

/** What a call was charged whose stream broke, if its refusal says it: base units as decimal text. */
const interruptedPrice = ({ price }: HeuristError['details']): string | undefined =>
  typeof price === 'string' && /^\d+$/.test(price) ? price : undefined

/** As the router shows the receipt, base units as decimal text; undefined if it shows none. */
async function receiptPrice(client: Embedder['client'], request: string): Promise<string | undefined> {
  try {
    return (await client.receipt(request as Hex)).receipt?.price.toString()
  } catch (cause) {
    console.warn(cause)
    return undefined
  }
}

interface Made {
  pieces: IndexedDocument['pieces']
  price: bigint
  request: string
}

const grown = (document: IndexedDocument, made: Made, rest: readonly string[]): IndexedDocument => ({
  ...withoutOpen(document),
  pieces: [...document.pieces, ...made.pieces],
  rest,
  price: (BigInt(document.price) + made.price).toString(),
  requests: [...document.requests, made.request],
})

/** @throws `document.too_long` as soon as it is known how short its pieces have to be. */
function checkCount({ name, pieces }: IndexedDocument, queue: readonly EmbedCall[], size: number): void {
  const characters = queue.flatMap(({ texts }) => texts).reduce((sum, { length }) => sum + length, 0)
  if (pieces.length + characters / size <= MOST_PIECES) return
  throw refused('document.too_long', `“${name}” is too long to be indexed`, { fix: 'Choose a part of it.' })
}

async function embed(
  { client, pod, manifest }: Embedder,
  call: EmbedCall,
  options: Pick<CallOptions, 'signal' | 'signed'>,
): Promise<Made> {
  const { embeddings, price, request } = await client.run(
    pod,
    { input: call.texts },
    { maxPrice: callPrice(call, manifest), ...options },
  )
  return { pieces: piecesWith(call.texts, embeddings), price, request }
}

const piecesWith = (texts: readonly string[], vectors: Answer['embeddings']) =>
  texts.map((text, index) => ({ text, vector: vectors?.[index] ?? [] }))

/**
 * The excerpts that a question is answered from: at most seven, none that is far from it. A question that is longer than
 * the model reads is looked up by its parts.
 *
 * @throws `document.other_model`, `documents.unread` (refused); what the call throws.
 */
export async function excerptsFor(
  embedder: Embedder,
  question: string,
  documents: readonly IndexedDocument[],
  options: Pick<CallOptions, 'signal' | 'signed'> = {},
): Promise<Lookup> {
  const other = documents.find(({ model }) => model !== modelOf(embedder))
  if (other) throw otherModel(other.name)
  const pieces = documents.flatMap(({ name, pieces }) => pieces.map((piece) => ({ ...piece, name })))
  if (pieces.length === 0) {
    throw refused('documents.unread', 'no piece of your documents is indexed yet', {
      fix: 'Go on with them, or take them away to ask the model alone. Nothing was charged.',
    })
  }
  const { pieces: parts, price, request } = await lookUp(embedder, question, options)
  const found = nearestToAny(
    parts.map(({ vector }) => vector),
    pieces,
    { most: MOST_EXCERPTS, least: LEAST_SCORE },
  )
  const excerpts = found.map(({ item, score }) => ({ document: item.name, text: item.text, score }))
  return { excerpts, price, request }
}

async function lookUp(embedder: Embedder, question: string, options: Pick<CallOptions, 'signal' | 'signed'>) {
  let refusal: unknown
  for (const call of questionCalls(question, embedder.manifest)) {
    try {
      return await embed(embedder, call, options)
    } catch (cause) {
      if (asHeuristError(cause).code !== 'input.too_long') throw cause
      refusal = cause
    }
  }
  throw refusal
}

const otherModel = (name: string) =>
  refused('document.other_model', `“${name}” was indexed by another model than the network has now`, {
    fix: 'Remove it from the documents of this chat and add it again. Nothing was charged.',
  })
