import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { MOST_QUERY } from './documents.ts'
import type { DocsIndex } from './index.ts'
import { termsOf } from './words.ts'

/** Questions that our documents answer, each with its place: what one may ask next. */

const schema = z.array(
  z.strictObject({
    question: z.string().max(MOST_QUERY),
    file: z.string(),
    heading: z.string(),
    /** What the passage says that answers it. */
    holds: z.string(),
  }),
)
export type Question = z.output<typeof schema>[number]

export interface Questions {
  readonly all: readonly Question[]
  /** Three to five other questions, of the passages that were found, then of their documents, then of any. */
  related(query: string, passages: readonly number[]): string[]
}

const FEWEST = 3
const MOST = 5

export const readQuestions = (): Question[] =>
  schema.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'questions.json'), 'utf8')))

export function openQuestions(docs: DocsIndex, all: readonly Question[] = readQuestions()): Questions {
  return {
    all,
    related(query, passages) {
      const own = keyOf(query)
      const others = all.filter(({ question }) => keyOf(question) !== own)
      const places = passages.flatMap((passage) => docs.passages[passage] ?? [])
      const near = places.flatMap((place) =>
        others.filter(({ file, heading }) => file === place.file && heading === place.heading),
      )
      const beside = places.flatMap((place) => others.filter(({ file }) => file === place.file))
      const asked = [...new Set(near.map(({ question }) => question))].slice(0, MOST)
      const more = [...beside, ...others].map(({ question }) => question)
      return [...new Set([...asked, ...more])].slice(0, Math.max(FEWEST, asked.length))
    },
  }
}

/** What two wordings of the same question share. */
const keyOf = (question: string): string => [...termsOf(question)].sort().join(' ')
