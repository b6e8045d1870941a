import { type Chat, type Former, type Message, NEW_TITLE, titleOf } from './chat.ts'

/** What a person does to a conversation. Pure: each gives the conversation after it. */

export const newChat = (model: string, now: number, id: string): Chat => ({
  id,
  title: NEW_TITLE,
  model,
  createdAt: now,
  updatedAt: now,
  messages: [],
})

export function withQuestion(chat: Chat, question: Omit<Message, 'role'>): Chat {
  return {
    ...withoutRefusal(chat),
    title: chat.title === NEW_TITLE ? titleOf(question.text) : chat.title,
    updatedAt: question.at,
    messages: [...chat.messages, { ...question, role: 'user' }],
  }
}

/**
 * The conversation up to a message. What followed is put aside until what takes its place is there, unless all of it
 * failed. A title that was the first question goes with it; one that a person gave stays.
 */
export function cutBefore(chat: Chat, message: string): Chat {
  const at = chat.messages.findIndex(({ id }) => id === message)
  if (at < 0) return chat
  const [kept, cut] = [chat.messages.slice(0, at), chat.messages.slice(at)]
  const former: Former = { title: chat.title, at, messages: cut }
  const first = chat.messages.find(({ role }) => role === 'user')
  const isOwn = first !== undefined && cut.includes(first) && chat.title === titleOf(first.text)
  return {
    ...withoutRefusal(chat),
    title: isOwn ? NEW_TITLE : chat.title,
    messages: kept,
    ...(cut.some(hasWorth) ? { former } : {}),
  }
}

const hasWorth = ({ role, state, text, lookup }: Message): boolean =>
  role === 'assistant' && (state !== 'failed' || text !== '' || lookup !== undefined)

/** The new branch is paid for, or has its first words: the former one goes. */
export function settled(chat: Chat): Chat {
  const { former: _, ...rest } = chat
  return rest
}

/** The new branch came to nothing: the conversation is what it was, and says what was asked and why it failed. */
export function restored(chat: Chat, refusal: Message | undefined): Chat {
  const { former, ...rest } = withoutRefusal(chat)
  if (!former) return chat
  const branch = chat.messages.slice(former.at)
  const question = branch.find(({ role }) => role === 'user')
  const notes = branch.filter(({ role }) => role === 'note')
  const own = question ? titleOf(question.text) : NEW_TITLE
  return {
    ...rest,
    // It may have been renamed meanwhile.
    title: chat.title === own ? former.title : chat.title,
    messages: [...chat.messages.slice(0, former.at), ...former.messages, ...notes],
    ...(refusal ? { refused: { ...refusal, ...(question ? { asked: question.text } : {}) } } : {}),
  }
}

function withoutRefusal(chat: Chat): Chat {
  const { refused: _, ...rest } = chat
  return rest
}

/** One message says something else. */
export const withMessage = (chat: Chat, message: Message): Chat => ({
  ...chat,
  messages: chat.messages.map((each) => (each.id === message.id ? message : each)),
})

/** Another model goes on; what it can see of the conversation says so. */
export function withModel(chat: Chat, model: string, now: number, id: string): Chat {
  if (chat.model === model) return chat
  if (chat.messages.length === 0) return { ...chat, model }
  const note: Message = { id, role: 'note', at: now, text: `${chat.model} → ${model}` }
  return { ...chat, model, messages: [...chat.messages, note] }
}

export function withoutShare(chat: Chat, id: string): Chat {
  const { share, ...rest } = chat
  return share?.id === id ? rest : chat
}
