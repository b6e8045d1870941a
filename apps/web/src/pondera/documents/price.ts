import { type Manifest, mostPrice } from '../../network/models.ts'
import { type IndexedDocument, textsOf } from './document.ts'
import { type Cut, inCalls, piecesOf } from './split.ts'

/** What vectors may cost before any are made. Pure. */

/** Who makes vectors, and at which terms. */
export interface EmbedTerms {
  pod: string
  manifest: Manifest
}

/** A call's texts, and how long they are at most. */
export interface EmbedCall {
  texts: readonly string[]
  /** Characters. */
  size: number
}

export const CUT: Cut = { size: 1_000, overlap: 200 }
/** Models that read less than such a piece get shorter ones, down to this. Characters. */
const LEAST_SIZE = 60

/** Which model made a vector: those of two models are not to be compared, whatever they cost. */
export const modelOf = ({ pod, manifest: { files, defaults } }: EmbedTerms): string =>
  JSON.stringify([pod, files.map(({ sha256 }) => sha256), defaults.dimensions])

/** Texts in the calls that carry them. */
export const callsOf = (texts: readonly string[], size: number, { limits }: Manifest): EmbedCall[] =>
  // A token is at least a byte: what fits by bytes fits by tokens.
  inCalls(texts, Math.min(limits.inputBytes, limits.inputUnits) - 64).map((call) => ({ texts: call, size }))

/** The calls that carry the texts of one that was refused, cut to half the size; none if they would be too short. */
export function finerOf({ texts, size }: EmbedCall, manifest: Manifest): EmbedCall[] {
  const half = Math.floor(size / 2)
  if (half < LEAST_SIZE) return []
  const cut = { size: half, overlap: Math.floor((half * CUT.overlap) / CUT.size) }
  return callsOf(
    texts.flatMap((text) => (text.length <= half ? [text] : piecesOf(text, cut))),
    half,
    manifest,
  )
}

export const callPrice = ({ texts }: EmbedCall, manifest: Manifest): bigint =>
  mostPrice(manifest, { input: texts })

/** The most that indexing these pieces can cost, whichever calls are refused as too long. Base units. */
export const indexPrice = (pieces: readonly string[], manifest: Manifest): bigint =>
  sum(callsOf(pieces, CUT.size, manifest).map((call) => worst(call, manifest)))

/** The most that the rest of a document may still cost, whatever became of a call that is open. Base units. */
export function mostLeft({ rest, open }: Pick<IndexedDocument, 'rest' | 'open'>, manifest: Manifest): bigint {
  const anew = indexPrice(rest, manifest)
  if (!open) return anew
  const after = indexPrice(rest.slice(textsOf(open).length), manifest)
  return most(anew, after + (open.price === undefined ? open.job.request.maxPrice : 0n))
}

const worst = (call: EmbedCall, manifest: Manifest): bigint =>
  most(callPrice(call, manifest), sum(finerOf(call, manifest).map((finer) => worst(finer, manifest))))

/** What a question is looked up by, the coarsest first: one call each, of as much of it as one call carries. */
export function questionCalls(question: string, manifest: Manifest): EmbedCall[] {
  const calls: EmbedCall[] = []
  for (let size = CUT.size; size >= LEAST_SIZE; size = Math.floor(size / 2)) {
    const [first] = callsOf(piecesOf(question, { size, overlap: 0 }), size, manifest)
    if (first) calls.push(first)
  }
  return calls
}

/** The most that looking a question up can cost. Base units. */
export const questionPrice = (question: string, manifest: Manifest): bigint =>
  questionCalls(question, manifest)
    .map((call) => callPrice(call, manifest))
    .reduce(most, 0n)

const sum = (prices: readonly bigint[]): bigint => prices.reduce((all, price) => all + price, 0n)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
