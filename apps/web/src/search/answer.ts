import type { Source } from '../../search/documents.ts'
import { citedOf, partRelated } from './citations.ts'
import type { Finding } from './finding.ts'
import { asMarkdown, quotesOf } from './quotes.ts'

/** What stands as the answer of a search. Pure. */

type Answered = Pick<Finding, 'answer' | 'by'> & Partial<Pick<Finding, 'note' | 'related'>>

/** The fewest questions that a model has to offer for them to stand instead of the documents' own. */
const FEWEST_RELATED = 3

/** Where no model answers: the sources' own words, or that there is nothing. */
export function answerOfSources(
  query: string,
  sources: readonly Source[],
  note: NonNullable<Finding['note']>,
): Answered {
  if (sources.length > 0) return { answer: quotesOf(query, sources), by: 'sources', note }
  return {
    answer: `Information is missing on “${asMarkdown(query)}”.`,
    by: 'sources',
    note: 'nothing found',
  }
}

/** What a model wrote, if it names at least one of its sources; nobody could check it otherwise. */
export function answerOfModel(text: string, query: string, sources: readonly Source[]): Answered {
  const { answer, related } = partRelated(text)
  if (citedOf(answer, sources.length).used.length === 0) {
    return answerOfSources(query, sources, 'no citation')
  }
  return { answer, by: 'model', ...(related.length >= FEWEST_RELATED ? { related } : {}) }
}
