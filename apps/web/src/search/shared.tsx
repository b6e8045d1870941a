import { useEffect } from 'react'
import { awaitMarkdown } from '../markdown/late.tsx'
import { Button } from '../parts/button.tsx'
import { useSession } from '../session/use.ts'
import { readFirst, Shared, type Sharing } from '../sharing/shared.tsx'
import { CitedAnswer } from './cited.tsx'
import { Receipts, Related, Sources } from './parts.tsx'
import { RESULTS, readResult, type SharedResult } from './server.ts'

const RESULT: Sharing<SharedResult> = {
  api: RESULTS,
  noun: 'result',
  // Both at once, and shown together: the answer stands as it will be read.
  async read(id) {
    const [shared] = await Promise.all([readResult(id), awaitMarkdown()])
    return shared
  },
}

export const readFirstResult = (id: string): Promise<void> => readFirst(RESULT, id)

/** A result that somebody shares: shown as it was, at no cost. */
export const SharedFinding = ({
  id,
  onSearch,
}: {
  id: string
  onSearch: ((query: string) => void) | undefined
}) => {
  const { session } = useSession()
  // Now that the result stands, its reader may want to search on.
  useEffect(() => void session.refresh(), [session])
  return (
    <Shared sharing={RESULT} id={id}>
      {(shared) => <Shown shared={shared} onSearch={onSearch} />}
    </Shared>
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
