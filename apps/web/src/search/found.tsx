import { useEffect, useRef, useState } from 'react'
import { formatUsd } from '../../../../sdk/units.ts'
import { Button } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import { StopButton } from '../parts/stop.tsx'
import { CitedAnswer } from './cited.tsx'
import { type Finding, isRunning } from './finding.ts'
import { Receipts, Related, Sources } from './parts.tsx'
import { endOnceGone, isHere, stop } from './running.ts'
import { ShareFinding } from './share.tsx'
import { useFindings, useOpenCalls } from './use.ts'

interface Props {
  finding: Finding
  onSearch: ((query: string) => void) | undefined
}

/** A search of this browser: its answer, its sources, what to ask next. */
export function FindingView({ finding, onSearch }: Props) {
  const { query, state, answer, sources, related } = finding
  const running = isRunning(finding)
  const { findings } = useFindings()
  const title = useRef<HTMLHeadingElement>(null)
  useOpenCalls(finding)
  // What was pressed to begin it is gone.
  useEffect(() => {
    if (isHere(finding.id)) title.current?.focus({ preventScroll: true })
  }, [finding.id])
  useEffect(() => {
    if (running) endOnceGone(findings, finding.id)
  }, [findings, finding.id, running])
  return (
    <>
      <article aria-label="Answer" aria-busy={running} className="space-y-3" data-state={state}>
        <h1 ref={title} tabIndex={-1} className="text-[1.3rem] outline-none [overflow-wrap:anywhere]">
          {query}
        </h1>
        {running && <p className="text-muted">{SAYS[state]}</p>}
        {answer !== '' && (
          <div data-by={finding.by}>
            <CitedAnswer query={query} answer={answer} sources={sources} />
          </div>
        )}
        <Notes finding={finding} />
        <Acts
          finding={finding}
          onSearch={onSearch}
          onLeft={() => title.current?.focus({ preventScroll: true })}
        />
      </article>
      {sources.length > 0 && <Sources query={query} sources={sources} />}
      {!running && related.length > 0 && <Related related={related} onSearch={onSearch} />}
    </>
  )
}

/** Said aloud by the page, which stands there before its searches do. */
export const SAYS: Record<Finding['state'], string> = {
  searching: 'Searching…',
  writing: 'The answer is being written…',
  done: 'The answer is complete.',
  stopped: 'The search was stopped.',
  cut: 'The page was closed.',
  failed: 'The search failed.',
}

/** Everything that one has to know of an answer to judge it. */
function Notes({ finding }: { finding: Finding }) {
  const { state, note, model, missing, warnings, sources, problem, ranking, vector } = finding
  return (
    <>
      {note === 'nothing found' && (
        <Warning code="nothing">
          Nothing was found: no document here speaks of it, and no model was asked. Ask it in other words.
        </Warning>
      )}
      {state === 'done' && sources.length > 0 && missing.length > 0 && (
        <p className="label" data-missing>
          Information is missing on: {missing.join(', ')}.
        </p>
      )}
      {note === 'too little' && sources.length > 0 && (
        <p className="label" data-note="too little">
          These are the sources’ own words: no chat model here reads enough at once to answer from them. An
          instruction-tuned one of seven billion weights or more does.
        </p>
      )}
      {note === 'no citation' && (
        <p className="label" data-note="no citation">
          {model} named none of the sources, so its answer is not shown: these are the sources’ own words.
          Larger, instruction-tuned models name them.
        </p>
      )}
      {warnings.map((warning) => (
        <Warning key={warning} code="provider">
          {warning.charAt(0).toUpperCase() + warning.slice(1)}.
        </Warning>
      ))}
      {state === 'stopped' && (
        <p className="label">You stopped it here: only what was delivered is charged.</p>
      )}
      {state === 'cut' && (
        <p className="label">The page was closed here: only what was delivered is charged.</p>
      )}
      {state === 'failed' && problem && (
        <p role="alert" className="rounded-md border border-edge px-3 py-2" data-problem={problem.code}>
          {problem.says} <span className="text-muted">{problem.fix}</span>
          {vector && (
            <span className="text-muted">
              {' '}
              The query’s vector is paid for and kept: the next try does not pay for it again.
            </span>
          )}
        </p>
      )}
      {state === 'done' && ranking !== undefined && sources.length > 0 && (
        <p className="label" data-ranking={ranking}>
          {ranking === 'words' ? 'Ranked by words.' : 'Ranked by words, and by vectors of the embed pod.'}
        </p>
      )}
    </>
  )
}

const Warning = ({ code, children }: { code: string; children: React.ReactNode }) => (
  <p role="status" className="rounded-md border border-edge px-3 py-2" data-warning={code}>
    {children}
  </p>
)

function Acts({ finding, onSearch, onLeft }: Props & { onLeft: () => void }) {
  const { id, query, state, answer, requests } = finding
  const [sharing, setSharing] = useState(false)
  if (isRunning(finding)) {
    if (isHere(id)) return <StopButton onStop={() => stop(id)} onLeft={onLeft} />
    return <p className="label">Another tab searches this.</p>
  }
  return (
    <p className="flex flex-wrap items-center gap-1">
      {answer !== '' && <Copy text={answer} what="answer" />}
      <Button tone="plain" disabled={onSearch === undefined} onClick={() => onSearch?.(query)}>
        regenerate
      </Button>
      {state === 'done' && (
        <Button tone="plain" onClick={() => setSharing(true)}>
          share
        </Button>
      )}
      <Receipts requests={requests} price={<Paid finding={finding} />} />
      {sharing && <ShareFinding finding={finding} onClose={() => setSharing(false)} />}
    </p>
  )
}

/** What it cost; of a call that was left that is known a moment later. */
function Paid({ finding: { price, open = [] } }: { finding: Finding }) {
  const known = `$${formatUsd(BigInt(price))}`
  const waits = open.length > 0
  return (
    <span className="label px-1.5" data-paid={waits ? undefined : price} data-open={open.length}>
      {waits
        ? `${price === '0' ? '' : `${known}, and `}what the last receipt says`
        : price === '0'
          ? 'free'
          : known}
    </span>
  )
}
