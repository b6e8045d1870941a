import { z } from 'zod'
import { fromErrorBody, later } from '../../../../sdk/errors.ts'
import { MOST_MESSAGES, type Shared, type Snapshot, sharedSchema } from '../../shares/snapshot.ts'
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

export async function createShare(snapshot: Snapshot): Promise<{ id: string; secret: string }> {
  const answer = await ask('/api/shares', { method: 'POST', body: snapshot })
  return z.object({ id: z.string(), secret: z.string() }).parse(await answer.json())
}

export async function readShare(id: string): Promise<Shared> {
  return sharedSchema.parse(await (await ask(`/api/shares/${id}`, { method: 'GET' })).json())
}

export async function deleteShare(id: string, secret: string): Promise<void> {
  await ask(`/api/shares/${id}`, { method: 'DELETE', body: { secret } })
}

const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    kind: z.enum(['refused', 'later', 'bug']),
    message: z.string(),
    fix: z.exactOptional(z.string()),
  }),
})

/** @throws what the server says; `page.unreachable` (later). */
async function ask(path: string, { method, body }: { method: string; body?: unknown }): Promise<Response> {
  const answer = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(15_000),
  }).catch((cause: unknown) => {
    throw later('page.unreachable', 'the server of this page does not answer', { fix: 'Try again.', cause })
  })
  if (answer.ok) return answer
  const told = errorSchema.safeParse(await answer.json().catch(() => undefined))
  throw told.success
    ? fromErrorBody(told.data.error)
    : later('page.unreachable', `the server of this page answers ${answer.status}`, { fix: 'Try again.' })
}
