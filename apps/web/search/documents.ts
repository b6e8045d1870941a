import { z } from 'zod'
import { straight } from '../shares/straight.ts'

/** What the search door's server and its page say to each other, and what a shared result holds. Text only. */

/** A query has at most so many characters. */
export const MOST_QUERY = 100
/** So many sources go with an answer. */
export const MOST_SOURCES = 8
/** Numbers of a vector. */
const MOST_DIMENSIONS = 4_096

export const askedSchema = z.strictObject({
  query: z.string().min(1).max(MOST_QUERY),
  /** The query's vector, and which pod made it: vectors of different pods cannot be compared. */
  vector: z.exactOptional(
    z.strictObject({
      pod: z.string().min(1).max(64),
      values: z.array(z.number().min(-1).max(1)).min(1).max(MOST_DIMENSIONS),
    }),
  ),
})
export type AskedSearch = z.output<typeof askedSchema>

/** Characters of a document's or a site's name. */
const MOST_FROM = 200

/** Where a document of our own is read as it lies in the repository. */
export const SOURCE_PATH = '/search/source/'

/** An address that a source may have: a document of this page, or a page of the web. */
const placeSchema = z
  .string()
  .max(2_048)
  .refine((url) => isOwnSource(url) || isWebAddress(url), 'is no address of a source')

/** No step of it is `.` or `..`: a browser would follow it elsewhere. */
export const isOwnSource = (url: string): boolean =>
  url.length <= SOURCE_PATH.length + 120 &&
  url.startsWith(SOURCE_PATH) &&
  url
    .slice(SOURCE_PATH.length)
    .split('/')
    .every((step) => /^[\w.-]+$/.test(step) && !/^\.+$/.test(step))

/** The document or the site that an address is of: what a source is called by. */
export const fromOf = (url: string): string =>
  (isOwnSource(url) ? url.slice(SOURCE_PATH.length) : new URL(url).host).slice(0, MOST_FROM)

/** Without a name or password in it, which could pass for the site's own name. */
export function isWebAddress(url: string): boolean {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return false
  const { username, password, hostname } = new URL(url)
  return username === '' && password === '' && hostname !== ''
}

export const sourceSchema = z.strictObject({
  title: z.string().min(1).max(200).transform(straight),
  /** The document or the site that it is of. */
  from: z.string().min(1).max(MOST_FROM),
  url: placeSchema,
  text: z.string().max(800),
})
export type Source = z.output<typeof sourceSchema>

export const foundSchema = z.object({
  /** As it was searched for, without markup. */
  query: z.string(),
  sources: z.array(sourceSchema).max(MOST_SOURCES),
  /** What the documents were ranked by. */
  ranking: z.enum(['words', 'words and vectors']),
  related: z.array(z.string().max(MOST_QUERY)).max(5),
  /** Words of the query that none of the sources holds. */
  missing: z.array(z.string()),
  /** Providers that did not answer, in a sentence each. */
  warnings: z.array(z.string().max(300)).max(8),
})
export type Found = z.output<typeof foundSchema>

const hash = z.string().regex(/^0x[0-9a-f]{64}$/)

/** Anybody shares what they like: what a source is called follows from its address. */
const sharedSourceSchema = sourceSchema.transform((source) => ({ ...source, from: fromOf(source.url) }))

/** A result as whoever has its link sees it. But for the names of its sources, all of it is the word of whoever shared it. */
export const resultSchema = z.strictObject({
  query: z.string().min(1).max(MOST_QUERY).transform(straight),
  answer: z.string().max(16_000),
  /** Whether a model wrote it from the sources, or it is their own words. */
  by: z.enum(['model', 'sources']),
  model: z.exactOptional(z.string().max(64).transform(straight)),
  sources: z.array(sharedSourceSchema).max(MOST_SOURCES),
  related: z.array(z.string().max(200)).max(5),
  /** Receipts of what it cost whoever asked. */
  requests: z.array(hash).max(4),
})
export type Result = z.output<typeof resultSchema>

export const RESULT_SHARE = { noun: 'shared result', schema: resultSchema, mostBytes: 256 * 1024 }
