import { useEffect, useRef, useState } from 'react'
import { go, replace } from '../network/address.ts'
import { useSession } from '../session/use.ts'
import { cutBefore, newChat, withModel, withQuestion } from './acts.ts'
import { answer, isRunning, stop } from './answer.ts'
import { type Chat, DEFAULT_SETTINGS, titleOf } from './chat.ts'
import { Composer } from './composer.tsx'
import { ConversationHead } from './head.tsx'
import { MessageView } from './message.tsx'
import { useChats, useModels, useTerms } from './use.ts'
import { Welcome } from './welcome.tsx'

/** One chat, or the beginning of one. */
export function Conversation({ chatId }: { chatId: string | undefined }) {
  const { chats, view } = useChats()
  const { session, view: paying } = useSession()
  const models = useModels()
  const chat = chatId === undefined ? undefined : chats.find(chatId)
  const wanted = useModelWish()
  const name = chat?.model ?? wanted ?? view.settings.model ?? models?.[0]?.name
  const model = models?.find((each) => each.name === name)
  const manifest = useTerms(model?.id)
  const writing = chat !== undefined && isRunning(chat.id)
  const mayAsk = paying.phase === 'ready' && model !== undefined && manifest !== undefined && !writing

  async function ask(before: Chat, text: string) {
    if (!paying.client || !model || !manifest) return
    chats.put(withQuestion(before, { id: crypto.randomUUID(), text, at: Date.now() }))
    if (chatId !== before.id) go(`/pondera/c/${before.id}`)
    await again(before.id)
  }
  async function again(id: string) {
    if (!paying.client || !model || !manifest) return
    const { client } = paying
    await answer({ chats, session, client, chat: id, model: model.name, manifest, settings: view.settings })
  }
  const send = (text: string) =>
    void ask(chat ?? newChat(model?.name ?? '', Date.now(), crypto.randomUUID()), text)

  if (chatId !== undefined && chat === undefined) return <Unknown />
  return (
    <>
      <ConversationHead
        chat={chat}
        models={models}
        model={name}
        choose={(next) => {
          chats.set({ model: next })
          if (chat) chats.put(withModel(chat, next, Date.now(), crypto.randomUUID()))
          if (wanted !== undefined) replace(window.location.pathname)
        }}
      />
      {models !== undefined && name !== undefined && model === undefined && (
        <p role="status">This network has no chat model “{titleOf(name)}”. Choose another one above.</p>
      )}
      <div className="flex-1 space-y-6">
        {chat === undefined ? <Welcome onChoose={send} disabled={!mayAsk} /> : null}
        {chat?.messages.map((message, index) => (
          <MessageView
            key={message.id}
            message={message}
            isLast={index === chat.messages.length - 1}
            onEdit={mayAsk ? (text) => void ask(cutBefore(chat, message.id), text) : undefined}
            onRegenerate={
              mayAsk
                ? () => {
                    chats.put(cutBefore(chat, message.id))
                    void again(chat.id)
                  }
                : undefined
            }
          />
        ))}
      </div>
      <Follow count={chat?.messages.length ?? 0} writing={writing} />
      <Composer
        messages={chat?.messages ?? NONE}
        manifest={manifest}
        settings={view.settings ?? DEFAULT_SETTINGS}
        writing={writing}
        mayAsk={mayAsk}
        onSend={send}
        onStop={() => chat && stop(chat.id)}
      />
    </>
  )
}

const NONE: Chat['messages'] = []

/** `?model=` of the address this page was opened with. */
function useModelWish(): string | undefined {
  const wish = new URLSearchParams(window.location.search).get('model')
  return wish === null || wish === '' ? undefined : wish
}

/** Keeps the end of a growing answer in sight, and says to screen readers when it begins and ends. */
function Follow({ count, writing }: { count: number; writing: boolean }) {
  const end = useRef<HTMLDivElement>(null)
  const [began, setBegan] = useState(false)
  useEffect(() => {
    if (count > 0) end.current?.scrollIntoView({ block: 'end' })
  }, [count])
  useEffect(() => {
    if (writing) setBegan(true)
  }, [writing])
  return (
    <div ref={end}>
      <p role="status" className="sr-only">
        {writing ? 'The answer is being written.' : began ? 'The answer is complete.' : ''}
      </p>
    </div>
  )
}

const Unknown = () => (
  <p>
    This chat is not in this browser: chats stay where they were made. Whoever has it can share it by link.{' '}
    <a className="underline underline-offset-4" href="/pondera">
      Begin a new one
    </a>
  </p>
)
