import type { Source } from '../../search/documents.ts'
import { shortened } from '../../search/text.ts'
import { otherTermsOf, termsOf } from '../../search/words.ts'

/** An answer in the sources' own words: the sentences that say most of what was asked. Pure. */

const MOST_SENTENCES = 3
const MOST_CHARACTERS = 360
/** A further sentence says at least so much of what the first one says. */
const LEAST_OF_FIRST = 0.45
/** What a word counts that names the matter otherwise, one that was told already, and a row of a table. */
const OTHERWISE = 0.4
const TOLD = 0.4
const ROW = 0.6

interface Sentence {
  text: string
  /** Number of its source, from 1. */
  source: number
  terms: Set<string>
}

/** Markdown with a citation after each sentence; empty if no sentence holds a word of the query. */
export function quotesOf(query: string, sources: readonly Source[]): string {
  const sentences = sources.flatMap(sentencesOf)
  const weights = weightsOf(query, sentences)
  const chosen: Sentence[] = []
  const told = new Set<string>()
  let first = 0
  while (chosen.length < MOST_SENTENCES) {
    const [best] = sentences
      .filter((each) => !chosen.some(({ text }) => text === each.text))
      .map((each) => ({ each, score: scoreOf(each, weights, told) }))
      .sort((a, b) => b.score - a.score)
    if (!best || best.score <= 0 || best.score < first * LEAST_OF_FIRST) break
    if (first === 0) first = best.score
    chosen.push(best.each)
    for (const term of best.each.terms) told.add(term)
  }
  return chosen
    .map(({ text, source }) => `${asMarkdown(shortened(text, MOST_CHARACTERS))} [citation:${source}]`)
    .join('\n\n')
}

/** What each word of the matter counts: the more, the fewer sentences hold it. */
function weightsOf(query: string, sentences: readonly Pick<Sentence, 'terms'>[]): Map<string, number> {
  const typed = termsOf(query)
  const rarityOf = (term: string): number => {
    const holding = sentences.filter(({ terms }) => terms.has(term)).length
    return Math.log(1 + sentences.length / (1 + holding))
  }
  return new Map([
    ...otherTermsOf(typed).map((term) => [term, OTHERWISE * rarityOf(term)] as const),
    ...[...typed].map((term) => [term, rarityOf(term)] as const),
  ])
}

function scoreOf({ text, terms, source }: Sentence, weights: Map<string, number>, told: Set<string>): number {
  let sum = 0
  for (const [term, weight] of weights) {
    if (terms.has(term)) sum += weight * (told.has(term) ? TOLD : 1)
  }
  const isRow = (text.match(/ · /g)?.length ?? 0) > 1
  return sum * (isRow ? ROW : 1) * (1 - 0.04 * source)
}

function sentencesOf({ title, text }: Source, index: number): Sentence[] {
  const titled = termsOf(title)
  return text
    .split('\n')
    .flatMap((line) => line.split(/(?<=[.!?])\s+(?=[\p{Lu}\p{N}`"“(])/u))
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence.length > 20)
    .map((sentence, place) => ({
      text: sentence,
      source: index + 1,
      // A section's first sentence speaks of what its heading says.
      terms: new Set([...termsOf(sentence), ...(place === 0 ? titled : [])]),
    }))
}

/** Of a source below an answer. Characters. */
export const MOST_EXCERPT = 180

/** The part of a source's text that says most of the query, in its lines, at most so many characters of it. */
export function excerptOf(query: string, { text }: Pick<Source, 'text'>, most: number): string {
  const lines = text.split('\n')
  const weights = weightsOf(
    query,
    lines.map((line) => ({ terms: termsOf(line) })),
  )
  const scores = lines.map((line) =>
    scoreOf({ text: '', terms: termsOf(line), source: 0 }, weights, new Set()),
  )
  const best = scores.indexOf(Math.max(...scores))
  return shortened(lines.slice(best).join('\n'), most)
}

/** A text that Markdown shows as it is. */
export const asMarkdown = (text: string): string => text.replaceAll(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&')

/** The words of such a text. */
export const fromMarkdown = (text: string): string => text.replaceAll(/\\([\\`*_{}[\]()#+\-.!|<>~$&])/g, '$1')
