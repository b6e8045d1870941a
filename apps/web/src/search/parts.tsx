import { memo, type ReactNode } from 'react'
import type { Source } from '../../search/documents.ts'
import { go, receiptPath } from '../network/address.ts'
import { Section } from '../parts/section.tsx'
import { SourceLink } from './cited.tsx'
import { addressOf } from './finding.ts'
import { excerptOf, MOST_EXCERPT } from './quotes.ts'

/** What stands below an answer. */

/** What is shown of a source is chosen anew only where query or sources are others. */
export const Sources = memo(({ query, sources }: { query: string; sources: readonly Source[] }) => (
  <Section title={`Sources · ${sources.length}`}>
    <ol className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
      {sources.map((source, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sources are numbered and never change.
        <li key={index} id={`source-${index + 1}`} className="min-w-0" data-source={source.from}>
          <span className="label figures mr-1.5">[{index + 1}]</span>
          <SourceLink source={source} className="font-[520] [overflow-wrap:anywhere]" />
          <span className="label block truncate">{source.from}</span>
          <span className="mt-0.5 block whitespace-pre-line [overflow-wrap:anywhere]">
            {excerptOf(query, source, MOST_EXCERPT)}
          </span>
        </li>
      ))}
    </ol>
  </Section>
))

/** Further questions: a click asks them; without credit it fills the box with them. */
export function Related({
  related,
  onSearch,
}: {
  related: readonly string[]
  onSearch: ((query: string) => void) | undefined
}) {
  return (
    <Section title={`Related · ${related.length}`}>
      <ul className="space-y-1.5">
        {related.map((question) => (
          <li key={question}>
            <a
              href={addressOf(question)}
              onClick={(event) => {
                event.preventDefault()
                if (onSearch) onSearch(question)
                else go(addressOf(question))
              }}
              className="block rounded-md border border-line px-3 py-2 [overflow-wrap:anywhere] hover:bg-accent-soft"
              data-related
            >
              {question}
            </a>
          </li>
        ))}
      </ul>
    </Section>
  )
}

export function Receipts({ requests, price }: { requests: readonly string[]; price?: ReactNode }) {
  return (
    <>
      {price}
      {requests.map((request, index) => (
        <a
          key={request}
          href={receiptPath(request)}
          target="_blank"
          rel="noreferrer"
          className="label rounded px-1.5 py-0.5 underline underline-offset-4 hover:bg-accent-soft hover:text-ink"
          data-receipt={request}
        >
          {requests.length > 1 ? `receipt ${index + 1}` : 'receipt'}
          <span className="sr-only"> (opens in a new tab)</span>
        </a>
      ))}
    </>
  )
}
