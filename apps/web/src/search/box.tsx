import { useId, useState } from 'react'
import { formatUsd } from '../../../../sdk/units.ts'
import { MOST_QUERY } from '../../search/documents.ts'
import { Button } from '../parts/button.tsx'
import { useSession } from '../session/use.ts'
import { whyNot } from '../session/why.ts'
import type { Terms } from './terms.ts'

interface Props {
  query: string
  terms: Terms | undefined
  onSearch: ((query: string) => void) | undefined
}

/** Where a query is written: the most it can cost stands below it before anything is signed. */
export function SearchBox({ query, terms, onSearch }: Props) {
  const { view } = useSession()
  const [text, setText] = useState(query)
  const note = useId()
  const left = MOST_QUERY - text.length
  const maySearch = onSearch !== undefined && text.trim() !== ''
  return (
    <form
      className="space-y-1.5"
      onSubmit={(event) => {
        event.preventDefault()
        if (maySearch) onSearch(text)
      }}
    >
      <div className="flex items-center gap-2 rounded-lg border border-edge bg-raised p-2 focus-within:border-accent">
        <label className="min-w-0 flex-1">
          <span className="sr-only">Your query</span>
          <input
            type="search"
            value={text}
            maxLength={MOST_QUERY}
            aria-describedby={note}
            placeholder="Ask the documents"
            onChange={(event) => setText(event.target.value)}
            className="block w-full bg-transparent px-1.5 py-1 placeholder:text-muted focus-visible:outline-none"
          />
        </label>
        <Button tone="main" type="submit" disabled={!maySearch}>
          Search
        </Button>
      </div>
      <p
        id={note}
        className="label flex min-h-[2lh] flex-wrap content-start justify-between gap-x-4 sm:min-h-[1lh]"
      >
        <span data-price={terms?.most.toString()}>
          {terms === undefined ? 'Reading the price…' : priceWords(terms.most)}
        </span>
        <span>
          {onSearch === undefined
            ? whyNot(view.phase)
            : left <= 30
              ? `${left} of ${MOST_QUERY} characters left`
              : ''}
        </span>
      </p>
    </form>
  )
}

const priceWords = (most: bigint): string =>
  most === 0n ? 'This search costs nothing' : `At most $${formatUsd(most)} for this search`
