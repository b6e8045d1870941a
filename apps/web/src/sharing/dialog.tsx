import { type ReactNode, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { type Problem, wordsOf } from '../session/words.ts'
import { type ShareKey, ShareLinks } from './links.tsx'
import { ProblemLine } from './problem.tsx'
import { createShare, deleteShare } from './server.ts'

interface Props {
  title: string
  /** Where it is kept. */
  api: string
  /** The address of a shared page. */
  path: (id: string) => string
  share: ShareKey | undefined
  /** What is sent to be shown. */
  body: () => Promise<object>
  /** @returns false if it is gone or shared already: nobody would have the secret of this page, so it is taken back. */
  keep: (share: ShareKey) => boolean
  forget: (share: ShareKey) => void
  onClose: () => void
  /** What whoever has the link will see. */
  children: ReactNode
}

/** Makes a public page of something as it is now, and takes it away again. */
export function ShareDialog({ title, api, path, share, body, keep, forget, onClose, children }: Props) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  async function act(work: () => Promise<void>) {
    setBusy(true)
    setProblem(undefined)
    await work().catch((cause: unknown) => setProblem(wordsOf(cause)))
    setBusy(false)
  }
  const create = () =>
    act(async () => {
      const made = await createShare(api, await body())
      if (!keep(made)) await deleteShare(api, made)
    })
  const remove = () =>
    act(async () => {
      if (!share) return
      await deleteShare(api, share)
      forget(share)
    })
  return (
    <Dialog title={title} onClose={onClose}>
      {share === undefined ? (
        <>
          <p>{children}</p>
          <Button tone="main" disabled={busy} onClick={() => void create()}>
            Make a link
          </Button>
        </>
      ) : (
        <ShareLinks path={path(share.id)} share={share} busy={busy} onDelete={() => void remove()} />
      )}
      <ProblemLine problem={problem} />
    </Dialog>
  )
}
