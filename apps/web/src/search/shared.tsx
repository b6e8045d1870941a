import { startTransition, useEffect, useState } from 'react'
import { loadMarkdown } from '../markdown/late.tsx'
import { Button } from '../parts/button.tsx'
import { type Problem, wordsOf } from '../session/words.ts'
import { Deletion } from '../sharing/deletion.tsx'
import { CitedAnswer } from './cited.tsx'
import { Receipts, Related, Sources } from './parts.tsx'
import { RESULTS, readResult, type SharedResult } from './server.ts'

type Read =
  | { state: 'reading' }
  | { state: 'read'; shared: SharedResult }
  | { state: 'failed'; problem: Problem }

/** A result that somebody shares: shown as it was, at no cost. */
export function SharedFinding({
  id,
  onSearch,
}: {
  id: string
  onSearch: ((query: string) => void) | undefined
}) {
  const [read, setRead] = useState<Read>({ state: 'reading' })
  useEffect(() => {
    // Both at once, and shown together: the answer stands as it will be read.
    Promise.all([readResult(id), loadMarkdown()]).then(
      ([shared]) => startTransition(() => setRead({ state: 'read', shared })),
      (cause: unknown) => setRead({ state: 'failed', problem: wordsOf(cause) }),
    )
  }, [id])
  return (
    <>
      {read.state === 'read' && (
        <Deletion
          api={RESULTS}
          id={id}
          onDeleted={() =>
            setRead({
              state: 'failed',
              problem: { code: 'share.deleted', says: 'The shared result is deleted.', fix: '' },
            })
          }
        />
      )}
      {read.state === 'reading' && <p className="text-muted">Reading…</p>}
      {read.state === 'failed' && (
        <p data-problem={read.problem.code}>
          {read.problem.says} {read.problem.fix}
        </p>
      )}
      {read.state === 'read' && <Shown shared={read.shared} onSearch={onSearch} />}
    </>
  )
}

function Shown({
  shared,
  onSearch,
}: {
  shared: SharedResult
  onSearch: ((query: string) => void) | undefined
}) {
  const { query, answer, by, model, sources, related, requests, createdAt } = shared
  return (
    <>
      <article aria-label="Answer" className="space-y-3" data-shared>
        <h1 className="text-[1.3rem] [overflow-wrap:anywhere]">{query}</h1>
        <p className="label" data-claimed>
          Shared on {new Date(createdAt).toLocaleDateString('en', { dateStyle: 'long' })} by somebody who says
          that {by === 'model' ? `${model ?? 'a model'} wrote it` : 'it is the sources’ own words'}. Nobody
          has checked that, nor the excerpts: open a source to read it, a receipt to check it.
        </p>
        <CitedAnswer query={query} answer={answer} sources={sources} />
        <p className="flex flex-wrap items-center gap-1">
          <Button tone="plain" disabled={onSearch === undefined} onClick={() => onSearch?.(query)}>
            search again
          </Button>
          {requests.length > 0 && <span className="label px-1.5">They name as what it cost:</span>}
          <Receipts requests={requests} />
        </p>
      </article>
      {sources.length > 0 && <Sources query={query} sources={sources} />}
      {related.length > 0 && <Related related={related} onSearch={onSearch} />}
    </>
  )
}
