import { startTransition, useEffect, useState } from 'react'
import type { Shared } from '../../shares/snapshot.ts'
import { loadMarkdown } from '../markdown/late.tsx'
import { type Problem, wordsOf } from '../session/words.ts'
import { Deletion } from '../sharing/deletion.tsx'
import { MessageView } from './message.tsx'
import { readShare, SHARES } from './shares.ts'

type Read = { state: 'reading' } | { state: 'read'; shared: Shared } | { state: 'failed'; problem: Problem }

/** The public page of a shared chat. */
export function SharedChat({ share }: { share: string }) {
  const [read, setRead] = useState<Read>({ state: 'reading' })
  useEffect(() => {
    // Both at once, and shown together: the answers stand as they will be read.
    Promise.all([readShare(share), loadMarkdown()]).then(
      ([shared]) => startTransition(() => setRead({ state: 'read', shared })),
      (cause: unknown) => setRead({ state: 'failed', problem: wordsOf(cause) }),
    )
  }, [share])
  return (
    <main
      id="main"
      tabIndex={-1}
      className="mx-auto min-h-dvh w-full max-w-[46rem] space-y-6 pb-10 outline-none"
    >
      {read.state === 'read' && (
        <Deletion
          api={SHARES}
          id={share}
          onDeleted={() =>
            setRead({
              state: 'failed',
              problem: { code: 'share.deleted', says: 'The shared chat is deleted.', fix: '' },
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
      {read.state === 'read' && <Transcript shared={read.shared} />}
      {read.state !== 'reading' && (
        <p>
          <a className="underline underline-offset-4" href="/pondera">
            Begin a chat of your own
          </a>
        </p>
      )}
    </main>
  )
}

function Transcript({ shared }: { shared: Shared }) {
  return (
    <>
      <header>
        <h1 className="text-[1.3rem] [overflow-wrap:anywhere]">{shared.title}</h1>
        <p className="label">
          Shared on {new Date(shared.createdAt).toLocaleDateString('en', { dateStyle: 'long' })} by somebody
          who used this page; its words are theirs and the model’s.
        </p>
      </header>
      {shared.messages.map((message, index) => (
        <MessageView
          // biome-ignore lint/suspicious/noArrayIndexKey: a snapshot never changes.
          key={index}
          message={{ ...message, id: String(index), at: shared.createdAt, state: 'done' }}
        />
      ))}
    </>
  )
}
