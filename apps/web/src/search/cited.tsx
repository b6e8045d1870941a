import { memo, useCallback, useId, useRef } from 'react'
import { isOwnSource, type Source } from '../../search/documents.ts'
import { LateMarkdown } from '../markdown/late.tsx'
import { citationOf, citedOf } from './citations.ts'
import { excerptOf } from './quotes.ts'

interface Cited {
  query: string
  answer: string
  sources: readonly Source[]
}

/** An answer whose numbers open the source that they name. */
export const CitedAnswer = memo(({ query, answer, sources }: Cited) => {
  const { text } = citedOf(answer, sources.length)
  const link = useCallback(
    (href: string) => {
      const number = citationOf(href)
      const source = number === undefined ? undefined : sources[number - 1]
      return source && number !== undefined ? (
        <Citation number={number} source={source} query={query} />
      ) : undefined
    },
    [query, sources],
  )
  return <LateMarkdown text={text} plain={answer} link={link} />
})

const GAP = 6
const EDGE = 8

/** A number that shows title, excerpt and place of its source. Escape or a click elsewhere closes it. */
function Citation({ number, source, query }: { number: number; source: Source; query: string }) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const card = useRef<HTMLSpanElement>(null)
  /** Beside its number, and inside the window. */
  function place() {
    const at = button.current?.getBoundingClientRect()
    const shown = card.current
    if (!at || !shown) return
    const { width, height } = shown.getBoundingClientRect()
    const below = at.bottom + GAP
    const fits = below + height + EDGE < window.innerHeight
    shown.style.left = `${Math.max(EDGE, Math.min(at.left, window.innerWidth - width - EDGE))}px`
    shown.style.top = `${Math.max(EDGE, fits ? below : at.top - height - GAP)}px`
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        popoverTarget={id}
        aria-label={`Source ${number}: ${source.title}`}
        className="mx-0.5 cursor-pointer rounded px-1 align-super text-[0.72em] leading-none text-accent hover:bg-accent-soft"
        data-citation={number}
      >
        [{number}]
      </button>
      <span
        ref={card}
        id={id}
        popover="auto"
        role="note"
        aria-label={`Source ${number}`}
        onToggle={(event) => event.newState === 'open' && place()}
        className="fixed m-0 w-[22rem] max-w-[calc(100vw-1rem)] rounded-lg border border-line bg-raised p-3.5 text-[0.93rem] text-ink shadow-lg"
        data-popover={number}
      >
        <SourceLink source={source} className="block font-[520] [overflow-wrap:anywhere]" />
        <span className="label block">{source.from}</span>
        <span className="mt-1.5 block whitespace-pre-line [overflow-wrap:anywhere]">
          {excerptOf(query, source, 280)}
        </span>
      </span>
    </>
  )
}

/** A document of our own is plain text of this page; a page of the web is a stranger, who is told nothing of us. */
export function SourceLink({
  source: { title, url, text },
  className = '',
}: {
  source: Source
  className?: string
}) {
  const own = isOwnSource(url)
  // Browsers that know it scroll to the passage.
  const begin = text.split('\n')[0]?.split(' ').slice(0, 6).join(' ') ?? ''
  return (
    <a
      href={own ? `${url}#:~:text=${encodeURIComponent(begin)}` : url}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className={`underline underline-offset-4 ${className}`}
    >
      {title}
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  )
}
