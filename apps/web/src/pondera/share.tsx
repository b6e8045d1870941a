import { useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { type Problem, wordsOf } from '../session/words.ts'
import type { Chat } from './chat.ts'
import { createShare, deleteShare, snapshotOf } from './shares.ts'
import { useChats } from './use.ts'

/** Makes a public page of a chat as it is now, and takes it away again. */
export function ShareDialog({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const { chats } = useChats()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  async function act(work: () => Promise<void>) {
    setBusy(true)
    setProblem(undefined)
    await work().catch((cause: unknown) => setProblem(wordsOf(cause)))
    setBusy(false)
  }
  const share = () =>
    act(async () => chats.put({ ...chat, share: await createShare('/api/shares', snapshotOf(chat)) }))
  const unshare = () =>
    act(async () => {
      if (!chat.share) return
      await deleteShare('/api/shares', chat.share.id, chat.share.secret)
      const { share: _, ...rest } = chat
      chats.put(rest)
    })
  return (
    <Dialog title="Share this chat" onClose={onClose}>
      {chat.share === undefined ? (
        <>
          <p>
            Whoever has the link can read the {chat.messages.length} messages as they are now, with their
            receipts. Your key and your other chats stay here.
          </p>
          <Button tone="main" disabled={busy} onClick={() => void share()}>
            Make a link
          </Button>
        </>
      ) : (
        <ShareLinks
          path={`/pondera/s/${chat.share.id}`}
          secret={chat.share.secret}
          busy={busy}
          onDelete={() => void unshare()}
        />
      )}
      <p aria-live="polite">
        {problem && (
          <span data-problem={problem.code}>
            {problem.says} {problem.fix}
          </span>
        )}
      </p>
    </Dialog>
  )
}

/** The link that shows it, the link that deletes it, and the way to do so now. */
export function ShareLinks({
  path,
  secret: own,
  busy,
  onDelete,
}: {
  path: string
  secret: string
  busy: boolean
  onDelete: () => void
}) {
  const link = new URL(path, window.location.href).href
  const secret = `${link}#delete=${own}`
  return (
    <>
      <p>
        <span className="label block">The link, for whoever may read it</span>
        <a className="underline underline-offset-4 [overflow-wrap:anywhere]" href={link} data-share>
          {link}
        </a>{' '}
        <Copy text={link} what="link" />
      </p>
      <p>
        <span className="label block">
          The link that deletes it, for yourself alone; it works in any browser
        </span>
        <span className="font-mono text-[0.86em] [overflow-wrap:anywhere]" data-delete>
          {secret}
        </span>{' '}
        <Copy text={secret} what="secret link" />
      </p>
      <Button disabled={busy} onClick={onDelete}>
        Delete the shared page
      </Button>
    </>
  )
}
