import { useEffect, useRef, useState } from 'react'
import { stop } from './answer.ts'
import { useConversation } from './asking.ts'
import type { Chat } from './chat.ts'
import { Composer } from './composer.tsx'
import { ConversationHead } from './head.tsx'
import { MessageView } from './message.tsx'
import { useChats } from './use.ts'
import { Welcome } from './welcome.tsx'

const NONE: Chat['messages'] = []

/** One chat: its head, what was said, and where the next question is written. */
export function Conversation({ chatId }: { chatId: string | undefined }) {
  const { view } = useChats()
  const talk = useConversation(chatId)
  const { chat, mayAsk, writing } = talk
  const messages = chat?.messages ?? NONE
  if (chatId !== undefined && chat === undefined) return <Unknown />
  return (
    <>
      <ConversationHead talk={talk} />
      {talk.isUnknownModel && (
        <p role="status">
          This network has no chat model “{talk.name?.slice(0, 48)}”. Choose another one above.
        </p>
      )}
      <div className="flex-1 space-y-6">
        {messages.length === 0 && <Welcome onChoose={talk.send} disabled={!mayAsk} />}
        {messages.map((message, index) => (
          <MessageView
            key={message.id}
            message={message}
            isLast={index === messages.length - 1}
            onEdit={mayAsk ? (text) => talk.edit(message.id, text) : undefined}
            onRegenerate={mayAsk ? () => talk.regenerate(message.id) : undefined}
          />
        ))}
      </div>
      <Follow count={messages.length} writing={writing} />
      <Composer
        messages={messages}
        manifest={talk.manifest}
        settings={view.settings}
        sources={talk.sources}
        writing={writing}
        mayAsk={mayAsk}
        onSend={talk.send}
        onStop={() => stop(talk.id)}
      />
    </>
  )
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
