import type { AskedSearch, Found, Result, Source } from '../../search/documents.ts'
import type { Problem } from '../session/words.ts'

export type Vector = NonNullable<AskedSearch['vector']>

/** A search with its answer, as this browser keeps it. */

export interface Finding {
  /** Stands in its address: whoever opens that again pays nothing. */
  id: string
  query: string
  at: number
  /** `cut` = the page was closed meanwhile. */
  state: 'searching' | 'writing' | 'done' | 'stopped' | 'cut' | 'failed'
  answer: string
  /** Whether a model wrote it, or it is the sources' own words. */
  by: Result['by']
  model?: string
  /** Why no model wrote it. */
  note?: 'too little' | 'no citation' | 'nothing found'
  sources: readonly Source[]
  related: readonly string[]
  missing: readonly string[]
  ranking?: Found['ranking']
  warnings: readonly string[]
  /** What its receipts are looked up by. */
  requests: readonly string[]
  /** Sum of the verified receipts. Base units, decimal text. */
  price: string
  /** Those of `requests` whose price is not known yet; not there in what an earlier page kept. */
  open?: readonly string[]
  /** The query's vector, and the pod that was paid for it, until it found something. */
  vector?: Vector
  problem?: Problem
  share?: { id: string; secret: string }
}

export const newFinding = (id: string, query: string, now: number): Finding => ({
  id,
  query,
  at: now,
  state: 'searching',
  answer: '',
  by: 'sources',
  sources: [],
  related: [],
  missing: [],
  warnings: [],
  requests: [],
  price: '0',
})

/** A call is written down before anybody sees it: from then on it may cost something. */
export const begun = (finding: Finding, request: string): Partial<Finding> => ({
  requests: [...finding.requests, request],
  open: [...(finding.open ?? []), request],
})

/** A call that was refused: it has no receipt. */
export const dropped = (finding: Finding, request: string): Partial<Finding> => ({
  requests: finding.requests.filter((each) => each !== request),
  open: (finding.open ?? []).filter((each) => each !== request),
})

/** What calls cost, by their verified receipts; each counts once. Base units. */
export function charged(finding: Finding, prices: ReadonlyMap<string, bigint>): Partial<Finding> {
  const open = finding.open ?? []
  const known = open.filter((request) => prices.has(request))
  const more = known.reduce((sum, request) => sum + (prices.get(request) ?? 0n), 0n)
  return {
    price: (BigInt(finding.price) + more).toString(),
    open: open.filter((request) => !prices.has(request)),
  }
}

export const isRunning = ({ state }: Pick<Finding, 'state'>): boolean =>
  state === 'searching' || state === 'writing'

/** What others see of it. */
export const resultOf = ({ query, answer, by, model, sources, related, requests }: Finding): Result => ({
  query,
  answer,
  by,
  ...(model === undefined ? {} : { model }),
  sources: [...sources],
  related: [...related],
  requests: [...requests],
})

export const addressOf = (query: string, id?: string): string =>
  `/search?${new URLSearchParams({ q: query, ...(id === undefined ? {} : { rid: id }) })}`

/** Without the page that was shared under this id; another one that was made since stays. */
export function withoutShare(finding: Finding, id: string): Finding {
  if (finding.share?.id !== id) return finding
  const { share: _, ...rest } = finding
  return rest
}

/** The address of a page that shares it. */
export const sharedPath =
  ({ query }: Pick<Finding, 'query'>) =>
  (id: string): string =>
    addressOf(query, id)
