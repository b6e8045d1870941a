import { useRef, useState } from 'react'
import { useDeletions, useOpener } from '../focus.tsx'
import { go } from '../network/address.ts'
import { useNow } from '../network/use.ts'
import { Button } from '../parts/button.tsx'
import { DeleteShared } from '../sharing/delete.tsx'
import { stop } from './answer.ts'
import { byDay, type Chat } from './chat.ts'
import { forgetIndexing } from './documents/indexing.ts'
import { useIndexing } from './documents/use.ts'
import { SHARES, sharePath } from './shares.ts'
import { useChats } from './use.ts'

/** The chats of this browser by day. */
export function Sidebar({ current, onChoose }: { current: string | undefined; onChoose?: () => void }) {
  const { view } = useChats()
  const now = useNow(60_000)
  const begin = useRef<HTMLButtonElement>(null)
  const { list, leaving, said } = useDeletions<HTMLElement>(() => begin.current)
  const choose = (path: string) => {
    go(path)
    onChoose?.()
  }
  return (
    <nav ref={list} aria-label="Chats" className="space-y-5">
      <Button ref={begin} tone="quiet" className="w-full" onClick={() => choose('/pondera')}>
        New chat
      </Button>
      {byDay(view.chats, now).map(({ day, chats }) => (
        <section key={day} aria-label={day}>
          <h2 className="label mb-1 px-2 font-[520]">{day}</h2>
          <ul>
            {chats.map((chat) => (
              <Entry
                key={chat.id}
                chat={chat}
                isCurrent={chat.id === current}
                onChoose={() => choose(`/pondera/c/${chat.id}`)}
                onLeaving={() => leaving([chat.id], `“${chat.title}” is deleted.`)}
              />
            ))}
          </ul>
        </section>
      ))}
      {said}
    </nav>
  )
}

interface EntryProps {
  chat: Chat
  isCurrent: boolean
  onChoose: () => void
  /** Before it is deleted. */
  onLeaving: () => void
}

function Entry({ chat, isCurrent, onChoose, onLeaving }: EntryProps) {
  const [doing, setDoing] = useState<'renaming' | 'deleting'>()
  const { chats } = useChats()
  const { loop } = useIndexing(chat.id)
  const { opener, back } = useOpener()
  const done = () => setDoing(undefined)
  if (doing === 'renaming') return <Rename chat={chat} onDone={done} onBack={back} />
  function remove(page?: string) {
    onLeaving()
    stop(chat.id)
    forgetIndexing(chat.id)
    chats.remove(chat.id, page)
    if (isCurrent) go('/pondera')
  }
  return (
    <li
      data-entry-of={chat.id}
      className={`group flex items-center rounded-md ${isCurrent ? 'bg-accent-soft' : ''}`}
    >
      <button
        type="button"
        onClick={onChoose}
        aria-current={isCurrent ? 'page' : undefined}
        className="min-w-0 flex-1 cursor-pointer truncate rounded-md px-2 py-1.5 text-left hover:bg-accent-soft"
      >
        {chat.title}
      </button>
      <Button
        ref={opener}
        tone="plain"
        aria-label={`Rename ${chat.title}`}
        title="Rename"
        onClick={() => setDoing('renaming')}
      >
        ✎
      </Button>
      <Button
        tone="plain"
        aria-label={`Delete ${chat.title}`}
        title="Delete"
        onClick={() => {
          if (chat.share) return setDoing('deleting')
          const more = loop ? ' The call that indexes its document now is still paid.' : ''
          if (window.confirm(`Delete “${chat.title}”? It is kept nowhere else.${more}`)) remove()
        }}
      >
        ✕
      </Button>
      {doing === 'deleting' && chat.share && (
        <DeleteShared
          title={`Delete “${chat.title}”?`}
          noun="chat"
          api={SHARES}
          path={sharePath}
          share={chat.share}
          onDelete={() => remove(chat.share?.id)}
          onClose={done}
        />
      )}
    </li>
  )
}

interface RenameProps {
  chat: Chat
  onDone: () => void
  /** Before it is done by the keyboard: nothing else has the focus. */
  onBack: () => void
}

function Rename({ chat, onDone, onBack }: RenameProps) {
  const { chats } = useChats()
  const [title, setTitle] = useState(chat.title)
  const save = () => {
    const given = title.trim().slice(0, 120)
    if (given !== '') chats.update(chat.id, (now) => ({ ...now, title: given }))
    onDone()
  }
  return (
    <li data-entry-of={chat.id}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onBack()
          save()
        }}
      >
        <input
          ref={(input) => input?.focus()}
          aria-label="Title"
          value={title}
          maxLength={120}
          onChange={(event) => setTitle(event.target.value)}
          onBlur={save}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            onBack()
            onDone()
          }}
          className="w-full rounded border border-edge bg-paper px-2 py-1"
        />
      </form>
    </li>
  )
}
