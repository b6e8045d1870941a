import type { Chat, Message } from './chat.ts'
import { titleOf } from './chat.ts'

/** What a person does to a conversation. Pure: each gives the conversation after it. */

export const newChat = (model: string, now: number, id: string): Chat => ({
  id,
  title: 'New chat',
  model,
  createdAt: now,
  updatedAt: now,
  messages: [],
})

export function withQuestion(chat: Chat, question: Omit<Message, 'role'>): Chat {
  const isFirst = !chat.messages.some(({ role }) => role === 'user')
  return {
    ...chat,
    title: isFirst ? titleOf(question.text) : chat.title,
    updatedAt: question.at,
    messages: [...chat.messages, { ...question, role: 'user' }],
  }
}

/** The conversation up to a message, which goes with all that followed it. */
export function cutBefore(chat: Chat, message: string): Chat {
  const at = chat.messages.findIndex(({ id }) => id === message)
  return at < 0 ? chat : { ...chat, messages: chat.messages.slice(0, at) }
}

/** Another model goes on; what it can see of the conversation says so. */
export function withModel(chat: Chat, model: string, now: number, id: string): Chat {
  if (chat.model === model) return chat
  if (chat.messages.length === 0) return { ...chat, model }
  const note: Message = { id, role: 'note', at: now, text: `${chat.model} → ${model}` }
  return { ...chat, model, messages: [...chat.messages, note] }
}
