import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import MiniSearch from 'minisearch'
import { refused } from '../../../sdk/errors.ts'
import { type Passage, passagesOf } from './passages.ts'
import { otherTermsOf, termOf, termsOf } from './words.ts'

/** The project's own documents, found by words (BM25). */

export interface DocsIndex {
  readonly passages: readonly Passage[]
  /** Numbers of passages that hold words of the query, the best first. */
  byWords(query: string, most: number): number[]
  /** Of what the query asks about, by how rare its words are, the part that a passage speaks of. 0 … 1. */
  coverage(query: string, passage: number): number
  /** A document as it lies in the repository. @throws `document.unknown` (refused). */
  document(file: string): string
}

/** `README.md` and `docs/*.md` of a folder. */
export function readDocs(root: string): Map<string, string> {
  const names = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`)
  return new Map(['README.md', ...names].map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

/** `around`: the passages before and after it in its section. */
const WEIGHTS = { heading: 1.2, document: 0.3, section: 0.5, around: 0.2 } as const
/** What a word that nobody typed counts beside one that somebody did. */
const OTHER_WEIGHT = 0.4

export function openIndex(documents: ReadonlyMap<string, string>): DocsIndex {
  const passages = [...documents].flatMap(([file, text]) => passagesOf(file, text))
  const index = new MiniSearch<Passage & { id: number; around: string }>({
    fields: ['document', 'section', 'heading', 'text', 'around'],
    processTerm: termOf,
    searchOptions: { boost: WEIGHTS, prefix: (term) => term.length > 4 },
  })
  index.addAll(passages.map((passage, id) => ({ ...passage, id, around: aroundOf(passages, id) })))
  const words = passages.map(({ document, section, heading, text }) =>
    termsOf(`${document} ${section} ${heading} ${text}`),
  )
  const rarityOf = (term: string): number => {
    const holding = words.filter((each) => each.has(term)).length
    return Math.log(1 + (passages.length - holding + 0.5) / (holding + 0.5))
  }

  return {
    passages,
    byWords(query, most) {
      const typed = termsOf(query)
      const terms = [...typed, ...otherTermsOf(typed)]
      return index
        .search(terms.join(' '), {
          processTerm: (term) => term,
          boostTerm: (term) => (typed.has(term) ? 1 : OTHER_WEIGHT),
        })
        .slice(0, most)
        .map(({ id }) => Number(id))
    },
    coverage(query, passage) {
      const own = words[passage] ?? new Set()
      const asked = [...termsOf(query)].map((term) => ({ term, weight: rarityOf(term) }))
      const all = asked.reduce((sum, { weight }) => sum + weight, 0)
      const held = asked.filter(
        ({ term }) => own.has(term) || otherTermsOf(new Set([term])).some((other) => own.has(other)),
      )
      return all === 0 ? 0 : held.reduce((sum, { weight }) => sum + weight, 0) / all
    },
    document(file) {
      const text = documents.get(file)
      if (text === undefined) {
        throw refused('document.unknown', 'there is no such document here', { fix: 'Open it from a result.' })
      }
      return text
    },
  }
}

function aroundOf(passages: readonly Passage[], at: number): string {
  const own = passages[at]
  return [passages[at - 1], passages[at + 1]]
    .flatMap((each) => (each?.file === own?.file && each?.section === own?.section ? [each?.text] : []))
    .join(' ')
}
