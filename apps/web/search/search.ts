import { asHeuristError } from '../../../sdk/errors.ts'
import { nearest } from '../src/pondera/documents/split.ts'
import { type AskedSearch, type Found, MOST_SOURCES, SOURCE_PATH, type Source } from './documents.ts'
import { fuse } from './fuse.ts'
import type { DocsIndex } from './index.ts'
import type { Provider } from './providers.ts'
import { queryOf } from './query.ts'
import type { Questions } from './related.ts'
import type { PassageVectors } from './vectors.ts'
import { termsOf } from './words.ts'

/** Finds the sources of an answer: our own documents by words and vectors, the web by its providers. */

export interface SearchParts {
  docs: DocsIndex
  questions: Questions
  /** Undefined where nobody pays for vectors of the documents. */
  vectors: PassageVectors | undefined
  /** What vectors count beside words. */
  vectorWeight: number
  providers: readonly Provider[]
}

/** So deep both rankings of the documents are looked at. */
const DEPTH = 60
/** The best passage speaks of so much of the query, or our documents do not speak of it at all. */
const LEAST_COVERAGE = 0.3
/** One section takes so many of the places. */
const MOST_OF_SECTION = 3

/** @throws `query.empty` (refused). */
export async function search(parts: SearchParts, asked: AskedSearch): Promise<Found> {
  const query = queryOf(asked.query)
  const { passages, ranking } = passagesFor(parts, query, asked.vector)
  const { found, warnings } = await askProviders(parts.providers, query)
  const own = passages.map((passage) => sourceOf(parts.docs, passage))
  const sources = fuse([own, ...found].map((items) => ({ weight: 1, items }))).slice(0, MOST_SOURCES)
  return {
    query,
    sources,
    ranking,
    related: parts.questions.related(query, passages),
    missing: missingOf(query, sources),
    warnings,
  }
}

function passagesFor(
  { docs, vectors, vectorWeight }: SearchParts,
  query: string,
  vector: AskedSearch['vector'],
): { passages: number[]; ranking: Found['ranking'] } {
  const byWords = docs.byWords(query, DEPTH)
  const pieces = vector ? vectors?.of(vector.pod, vector.values.length) : undefined
  const near = nearest(vector?.values ?? [], pieces ?? [], { most: DEPTH * 4, least: 0 })
  const byVectors = near.map(({ item }) => item.passage)
  const all = fuse([
    { weight: 1, items: byWords },
    { weight: vectorWeight, items: [...new Set(byVectors)].slice(0, DEPTH) },
  ])
  const passages = fewOfEach(docs, all).slice(0, MOST_SOURCES)
  const speaks = Math.max(0, ...passages.map((passage) => docs.coverage(query, passage)))
  return {
    passages: speaks < LEAST_COVERAGE ? [] : passages,
    ranking: pieces ? 'words and vectors' : 'words',
  }
}

function fewOfEach(docs: DocsIndex, passages: readonly number[]): number[] {
  const taken = new Map<string, number>()
  return passages.filter((passage) => {
    const { file, heading } = docs.passages[passage] ?? {}
    const count = (taken.get(`${file} ${heading}`) ?? 0) + 1
    taken.set(`${file} ${heading}`, count)
    return count <= MOST_OF_SECTION
  })
}

function sourceOf(docs: DocsIndex, passage: number): Source {
  const { file = '', heading = '', text = '' } = docs.passages[passage] ?? {}
  return { title: heading.slice(0, 200), from: file, url: `${SOURCE_PATH}${file}`, text }
}

async function askProviders(providers: readonly Provider[], query: string) {
  const answers = await Promise.allSettled(providers.map((provider) => provider.find(query)))
  return {
    found: answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
    warnings: answers.flatMap((answer) =>
      answer.status === 'rejected' ? [asHeuristError(answer.reason).message.slice(0, 300)] : [],
    ),
  }
}

/** The words of a query that no source holds, as they were typed. */
function missingOf(query: string, sources: readonly Source[]): string[] {
  const held = termsOf(sources.map(({ title, text }) => `${title} ${text}`).join(' '))
  const words = query.match(/[\p{L}\p{N}]+(?:['’]\p{L}+)?/gu) ?? []
  return words.filter((word) => [...termsOf(word)].some((term) => !held.has(term)))
}
