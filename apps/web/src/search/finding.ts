import type { Found, Result, Source } from '../../search/documents.ts'
import type { Problem } from '../session/words.ts'

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
