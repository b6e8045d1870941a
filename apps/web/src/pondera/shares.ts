import { refused } from '../../../../sdk/errors.ts'
import {
  MOST_CHARACTERS,
  MOST_MESSAGES,
  MOST_SHARE_BYTES,
  type Shared,
  type Snapshot,
  sharedSchema,
} from '../../shares/snapshot.ts'
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

/** @throws `share.too_large` (refused) if the server would not take it: it is not asked. */
export function checkedSnapshot(chat: Chat): Snapshot {
  const snapshot = snapshotOf(chat)
  const long = snapshot.messages.find(({ text }) => text.length > MOST_CHARACTERS)
  if (long) {
    const what = long.role === 'user' ? 'question' : 'answer'
    const most = MOST_CHARACTERS.toLocaleString('en')
    throw refused(
      'share.too_large',
      `the ${what} that begins with “${long.text.trim().slice(0, 40)}…” has more than the ${most} characters that a shared page shows of one`,
      { fix: 'Make it shorter by editing the question, or begin a new chat and share that.' },
    )
  }
  if (new TextEncoder().encode(JSON.stringify(snapshot)).length > MOST_SHARE_BYTES) {
    throw refused(
      'share.too_large',
      `this chat is longer than the ${MOST_SHARE_BYTES / 1024} KiB that a shared page may have`,
      { fix: 'Begin a new chat with what you want to show, and share that.' },
    )
  }
  return snapshot
}

export async function readShare(id: string): Promise<Shared> {
  return sharedSchema.parse(await (await askServer(`${SHARES}/${id}`, { method: 'GET' })).json())
}
