import { z } from 'zod'
import { MOST_MESSAGES, type Shared, type Snapshot, sharedSchema } from '../../shares/snapshot.ts'
import { askServer } from '../network/api.ts'
import type { Chat } from './chat.ts'
import { withoutThinking } from './thinking.ts'

/** Shared chats at this page's server. */

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

/** Where chats are shared, and where results are. */
export type SharePath = '/api/shares' | '/api/results'

export async function createShare(
  path: SharePath,
  snapshot: object,
): Promise<{ id: string; secret: string }> {
  const answer = await askServer(path, { method: 'POST', body: snapshot })
  return z.object({ id: z.string(), secret: z.string() }).parse(await answer.json())
}

export async function readShare(id: string): Promise<Shared> {
  return sharedSchema.parse(await (await askServer(`/api/shares/${id}`, { method: 'GET' })).json())
}

export async function deleteShare(path: SharePath, id: string, secret: string): Promise<void> {
  await askServer(`${path}/${id}`, { method: 'DELETE', body: { secret } })
}

/** The secret of a link that deletes what it shows. It stands behind the `#`, which browsers send to nobody. */
export const secretOf = (hash: string): string | undefined => /^#delete=([\w-]{1,64})$/.exec(hash)?.[1]
