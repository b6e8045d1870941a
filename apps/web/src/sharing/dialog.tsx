import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { type Problem, wordsOf } from '../session/words.ts'
import { ShareLinks } from './links.tsx'
import { ProblemLine } from './problem.tsx'
import { createShare, deleteShare, type ShareKey } from './server.ts'

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
  const [said, setSaid] = useState('')
  const content = useRef<HTMLDivElement>(null)
  const acted = useRef(false)
  // What was pressed is gone, or was disabled meanwhile.
  useEffect(() => {
    if (!busy && acted.current) content.current?.querySelector<HTMLElement>('a, button')?.focus()
  }, [busy])
  async function act(work: () => Promise<void>) {
    acted.current = true
    setBusy(true)
    setSaid('')
    setProblem(undefined)
    await work().catch((cause: unknown) => setProblem(wordsOf(cause)))
    setBusy(false)
  }
  const create = () =>
    act(async () => {
      const made = await createShare(api, await body())
      if (keep(made)) setSaid('The link is made.')
      else await deleteShare(api, made)
    })
  const remove = () =>
    act(async () => {
      if (!share) return
      await deleteShare(api, share)
      forget(share)
      setSaid('The shared page is deleted.')
    })
  return (
    <Dialog title={title} onClose={onClose}>
      <div ref={content} className="space-y-4">
        {share === undefined ? (
          <>
            <p>{children}</p>
            <p>
              Each receipt names the key that paid, and the ledger names whose key that is: whoever has the
              link can find the address of the wallet that you deposited from.
            </p>
            <Button tone="main" disabled={busy} onClick={() => void create()}>
              Make a link
            </Button>
          </>
        ) : (
          <ShareLinks path={path(share.id)} share={share} busy={busy} onDelete={() => void remove()} />
        )}
      </div>
      <p role="status" className="sr-only">
        {said}
      </p>
      <ProblemLine problem={problem} />
    </Dialog>
  )
}
