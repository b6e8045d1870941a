import { MOST_MESSAGES, type Shared, type Snapshot, sharedSchema } from '../../shares/snapshot.ts'
import { askServer } from '../network/server.ts'
import type { Chat } from './chat.ts'
import { withoutThinking } from './thinking.ts'

/** Shared chats at this page's server. */
export const SHARES = '/api/shares'
export const sharePath = (id: string): string => `/pondera/s/${id}`

/** A chat as others see it, its last messages if it has very many: what was said, by which model, with its receipts. */
export const snapshotOf = ({ title, model, messages }: Chat): Snapshot => ({
  title: title.slice(0, 200),
  model,
  messages: messages
    .filter(({ text, state }) => text.trim() !== '' && state !== 'failed' && state !== 'writing')
    .slice(-MOST_MESSAGES)
    .map(({ role, text, model: by, request }) => ({
      role,
      text: role === 'assistant' ? withoutThinking(text) : text,
      ...(by === undefined ? {} : { model: by }),
      ...(request === undefined ? {} : { request }),
    })),
})

export async function readShare(id: string): Promise<Shared> {
  return sharedSchema.parse(await (await askServer(`${SHARES}/${id}`, { method: 'GET' })).json())
}
