import { type ReactNode, startTransition, useEffect, useState } from 'react'
import { type Problem, wordsOf } from '../session/words.ts'
import { Deletion } from './deletion.tsx'

/** One kind of thing that is shared, as pages read it. */
export interface Sharing<T> {
  /** At this page's server: `<api>/<id>`. */
  api: string
  noun: string
  /** With whatever showing it needs. */
  read(id: string): Promise<T>
}

type Read<T> = { state: 'reading' } | { state: 'read'; shared: T } | { state: 'failed'; problem: Problem }

const readOf = <T,>({ read }: Sharing<T>, id: string): Promise<Read<T>> =>
  read(id).then(
    (shared) => ({ state: 'read', shared }),
    (cause: unknown) => ({ state: 'failed', problem: wordsOf(cause) }),
  )

/** What the page shows when it opens, read before it is drawn: it takes the place of what the server sent. */
const first = new Map<string, Read<unknown>>()

export async function readFirst<T>(sharing: Sharing<T>, id: string): Promise<void> {
  first.set(`${sharing.api}/${id}`, await readOf(sharing, id))
}

/** The public page of something that somebody shares. */
export function Shared<T>({
  sharing,
  id,
  own,
  children,
}: {
  sharing: Sharing<T>
  id: string
  /** The way to the reader's own, below it. */
  own?: ReactNode
  children: (shared: T) => ReactNode
}) {
  const [read, setRead] = useState<Read<T>>(
    () => (first.get(`${sharing.api}/${id}`) as Read<T> | undefined) ?? { state: 'reading' },
  )
  const waits = read.state === 'reading'
  useEffect(() => {
    if (waits) void readOf(sharing, id).then((next) => startTransition(() => setRead(next)))
  }, [sharing, id, waits])
  const deleted = { code: 'share.deleted', says: `The shared ${sharing.noun} is deleted.`, fix: '' }
  return (
    <>
      {read.state === 'reading' && <p className="text-muted">Reading…</p>}
      {read.state === 'failed' && (
        <p data-problem={read.problem.code}>
          {read.problem.says} {read.problem.fix}
        </p>
      )}
      {read.state === 'read' && (
        <>
          <Deletion
            api={sharing.api}
            id={id}
            onDeleted={() => setRead({ state: 'failed', problem: deleted })}
          />
          {children(read.shared)}
        </>
      )}
      {!waits && own}
    </>
  )
}
