import { useEffect, useRef, useState } from 'react'
import { Boundary } from '../parts/boundary.tsx'
import { Undrawn } from '../parts/undrawn.tsx'
import { stop } from './answer.ts'
import { useConversation } from './asking.ts'
import type { Chat, Message } from './chat.ts'
import { Composer } from './composer.tsx'
import { ConversationHead } from './head.tsx'
import { type AskAnew, MessageView, Refused } from './message.tsx'
import { useUnseenCosts } from './use.ts'
import { Welcome } from './welcome.tsx'

const NONE: Chat['messages'] = []

/** One chat: its head, what was said, and where the next question is written. */
export function Conversation({ chatId }: { chatId: string | undefined }) {
  const talk = useConversation(chatId)
  const { chat, mayAsk, writing } = talk
  useUnseenCosts(chat)
  const messages = chat?.messages ?? NONE
  const lastQuestion = messages.findLastIndex(({ role }) => role === 'user')
  if (chatId !== undefined && chat === undefined) return <Unknown />
  /** The most that a question costs in the place of what stands there. */
  const mostAt = (index: number, text: string) =>
    talk.mostOf([...messages.slice(0, index), { id: '', role: 'user', text, at: 0 }])
  const anewAt = (index: number): AskAnew => ({
    most: (text) => mostAt(index, text),
    ask: (text, most) => talk.ask(text, most, messages[index]?.id),
  })
  return (
    <>
      <ConversationHead talk={talk} />
      {talk.isUnknownModel && (
        <p role="status">
          This network has no chat model “{talk.name?.slice(0, 48)}”. Choose another one above.
        </p>
      )}
      <div className="flex-1 space-y-6">
        {messages.length === 0 && (
          <Welcome most={(text) => mostAt(0, text)} ask={talk.ask} disabled={!mayAsk} />
        )}
        {messages.map((message, index) => (
          <Boundary key={message.id} instead={<Undrawn />}>
            <MessageView
              message={message}
              anew={mayAsk ? anewAt(message.role === 'user' ? index : lastQuestion) : undefined}
              question={index === messages.length - 1 ? messages[lastQuestion]?.text : undefined}
            />
          </Boundary>
        ))}
        {chat?.refused && <Refused refused={chat.refused} />}
      </div>
      <Follow count={messages.length} writing={writing} last={chat?.refused ?? messages.at(-1)} />
      <Composer
        mostOf={(text) => mostAt(messages.length, text)}
        writing={writing}
        mayAsk={mayAsk}
        onSend={talk.ask}
        onStop={() => stop(talk.id)}
      />
    </>
  )
}

/** Keeps the end of a growing answer in sight, and says to screen readers when it begins and ends. */
function Follow({
  count,
  writing,
  last,
}: {
  count: number
  writing: boolean
  last: Pick<Message, 'state'> | undefined
}) {
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
        {writing ? 'The answer is being written.' : began ? endWords(last?.state) : ''}
      </p>
    </div>
  )
}

function endWords(state: Message['state']): string {
  if (state === 'stopped') return 'The answer was stopped.'
  return state === 'failed' ? 'The answer failed.' : 'The answer is complete.'
}

const Unknown = () => (
  <p>
    This chat is not in this browser: chats stay where they were made. Whoever has it can share it by link.{' '}
    <a className="underline underline-offset-4" href="/pondera">
      Begin a new one
    </a>
  </p>
)
