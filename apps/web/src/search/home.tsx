import { useState } from 'react'
import { useDeletions } from '../focus.tsx'
import { go } from '../network/address.ts'
import { Boundary } from '../parts/boundary.tsx'
import { Button } from '../parts/button.tsx'
import { Undrawn } from '../parts/undrawn.tsx'
import { useSession } from '../session/use.ts'
import { DeleteShared } from '../sharing/delete.tsx'
import { SearchBox } from './box.tsx'
import { addressOf, type Finding, sharedPath } from './finding.ts'
import { RESULTS } from './server.ts'
import type { Terms } from './terms.ts'
import { useFindings } from './use.ts'

const PRESETS = ['What can a thief of my key do?', 'How does a payee file a claim for a shortfall?'] as const
/** Earlier searches that the home shows, beside those that are shared: there they are deleted. */
const MOST_SHOWN = 5

/** The box, two queries to begin with, and what was searched before. */
export function Home({
  query,
  terms,
  onSearch,
}: {
  query: string
  terms: Terms | undefined
  onSearch: ((query: string) => void) | undefined
}) {
  const { view } = useSession()
  return (
    <section aria-labelledby="search" className="mx-auto max-w-[44rem] space-y-6 pt-6 sm:pt-16">
      <h1 id="search" className="max-w-[34rem] text-[1.5rem] leading-snug font-[540] tracking-[-0.015em]">
        An answer with its sources. <span className="text-muted">A price before, a receipt after.</span>
      </h1>
      <SearchBox key={query} query={query} terms={terms} onSearch={onSearch} />
      <ul aria-label="Queries to begin with" className="grid gap-2 sm:grid-cols-2">
        {PRESETS.map((preset) => (
          <li key={preset}>
            <button
              type="button"
              disabled={onSearch === undefined}
              onClick={() => onSearch?.(preset)}
              className="h-full w-full cursor-pointer rounded-lg border border-edge px-3.5 py-3 text-left hover:bg-accent-soft disabled:cursor-not-allowed disabled:text-muted"
            >
              {preset}
            </button>
          </li>
        ))}
      </ul>
      {/* Below what stood before the page knew: nothing moves. */}
      {view.phase === 'none' && terms !== undefined && onSearch === undefined && (
        <p>Add credit above to begin: one signature, and no search asks you again.</p>
      )}
      <WhoAnswers terms={terms} />
      <Boundary instead={<Undrawn />}>
        <Earlier />
      </Boundary>
    </section>
  )
}

/** Which kind of model answers, or why none does. */
export function WhoAnswers({ terms }: { terms: Terms | undefined }) {
  if (terms === undefined) return null
  const { model, small } = terms
  if (model) {
    return (
      <p className="label" data-writer={model.name}>
        {model.name} writes the answer from what is found, and names its sources.
      </p>
    )
  }
  return (
    <p className="label" data-writer="">
      {small.length > 0
        ? `The chat models here (${small.join(', ')}) read`
        : 'There is no chat model that reads'}{' '}
      too little at once to answer from eight sources, so an answer is the sources’ own words. An
      instruction-tuned model of seven billion weights or more that reads 2,000 tokens writes it well: where
      the network serves one, it is asked.
    </p>
  )
}

function Earlier() {
  const { findings, view } = useFindings()
  const [shown, setForgetting] = useState<string>()
  const { list, leaving, said } = useDeletions<HTMLElement>(() =>
    document.querySelector<HTMLElement>('input[type=search]'),
  )
  const listed = view.findings.filter(({ share }, index) => index < MOST_SHOWN || share !== undefined)
  const forgetting = listed.find(({ id }) => id === shown)
  const forget = ({ id, query, share }: Finding) => {
    leaving([id], `“${query}” is forgotten.`)
    findings.remove(id, share?.id)
  }
  return (
    <>
      {listed.length > 0 && (
        <nav ref={list} aria-label="Earlier searches" className="space-y-1">
          <h2 className="label font-[520]">Earlier, kept in this browser</h2>
          <ul>
            {listed.map((each) => (
              <Entry
                key={each.id}
                finding={each}
                onForget={() => {
                  if (each.share) return setForgetting(each.id)
                  if (window.confirm(questionOf(each))) forget(each)
                }}
              />
            ))}
          </ul>
          {forgetting?.share && (
            <DeleteShared
              title={`Forget “${forgetting.query}”?`}
              noun="search"
              api={RESULTS}
              path={sharedPath(forgetting)}
              share={forgetting.share}
              onDelete={() => forget(forgetting)}
              onClose={() => setForgetting(undefined)}
            />
          )}
        </nav>
      )}
      {said}
    </>
  )
}

/** Before what only this browser has is forgotten. */
const questionOf = ({ query, price, open = [] }: Finding): string => {
  const isPaid = price !== '0' || open.length > 0
  return `Forget “${query}”? It is kept nowhere else${isPaid ? ', and to search again is paid again' : ''}.`
}

function Entry({ finding: { id, query, share }, onForget }: { finding: Finding; onForget: () => void }) {
  return (
    <li className="flex items-center gap-2" data-entry-of={id}>
      <a
        href={addressOf(query, id)}
        onClick={(event) => {
          event.preventDefault()
          go(addressOf(query, id))
        }}
        className="min-w-0 flex-1 truncate rounded-md py-1 underline-offset-4 hover:underline"
      >
        {query}
      </a>
      {share && <span className="label">shared</span>}
      <Button tone="plain" aria-label={`Forget ${query}`} title="Forget" onClick={onForget}>
        ✕
      </Button>
    </li>
  )
}
