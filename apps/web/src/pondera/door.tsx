import { useEffect, useState } from 'react'
import { straight } from '../../shares/straight.ts'
import { go } from '../network/address.ts'
import { Boundary, Broken } from '../parts/boundary.tsx'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Revenue } from '../parts/revenue.tsx'
import { DoorHeader, SkipLink } from '../parts/shell.tsx'
import { useTitle } from '../parts/title.ts'
import { Undrawn } from '../parts/undrawn.tsx'
import { ReadOnlyBanner, SessionButton } from '../session/button.tsx'
import { useSession } from '../session/use.ts'
import { endCutAnswers } from './answer.ts'
import { Conversation } from './conversation.tsx'
import { SharedChat } from './shared.tsx'
import { Sidebar } from './sidebar.tsx'
import { useAddress, useChats } from './use.ts'

export function PonderaDoor() {
  const { share, chat } = useAddress()
  const { config, view } = useSession()
  const { chats } = useChats()
  const ready = view.phase === 'ready'
  // Only the tab that has the key knows that nobody writes these answers any more.
  useEffect(() => {
    if (ready) endCutAnswers(chats)
  }, [ready, chats])
  return (
    <>
      <SkipLink to="main">Skip to the conversation</SkipLink>
      <div className="mx-auto flex min-h-dvh max-w-[76rem] flex-col px-4 sm:px-6">
        <DoorHeader door="pondera" config={config}>
          {share === undefined && <SessionButton />}
        </DoorHeader>
        {share === undefined ? (
          <Chatting chat={chat} />
        ) : (
          <Boundary key={share} instead={<Broken />}>
            <SharedChat share={share} />
          </Boundary>
        )}
        <footer className="label mt-auto border-t border-line py-4">
          <Revenue door="pondera" config={config} />
        </footer>
      </div>
    </>
  )
}

function Chatting({ chat }: { chat: string | undefined }) {
  const { chats, view } = useChats()
  const title = chat === undefined ? undefined : chats.find(chat)?.title
  useTitle(title === undefined ? undefined : straight(title))
  const [listed, setListed] = useState(false)
  return (
    <div className="grid flex-1 gap-x-8 md:grid-cols-[14.5rem_minmax(0,1fr)]">
      <div className="hidden md:block">
        <Boundary instead={<Undrawn />}>
          <Sidebar current={chat} />
        </Boundary>
      </div>
      <main id="main" tabIndex={-1} className="flex min-w-0 flex-col gap-4 pb-4 outline-none">
        <div className="flex items-center justify-between md:hidden">
          <Button onClick={() => setListed(true)}>Chats</Button>
          <Button onClick={() => go('/pondera')}>New chat</Button>
        </div>
        <ReadOnlyBanner />
        {view.unkept !== undefined && (
          <p role="status" className="rounded-md border border-edge px-3.5 py-2">
            {view.unkept}
          </p>
        )}
        <Boundary key={chat ?? 'new'} instead={<Broken />}>
          <Conversation chatId={chat} />
        </Boundary>
      </main>
      {listed && (
        <Dialog title="Chats" side="left" onClose={() => setListed(false)}>
          <Sidebar current={chat} onChoose={() => setListed(false)} />
        </Dialog>
      )}
    </div>
  )
}
