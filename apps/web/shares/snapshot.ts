import { z } from 'zod'
import { straight } from './straight.ts'

/** A conversation as it is shown to whoever has its link. Text only; pages render it as they render their own. */

export const MOST_MESSAGES = 400
/** Of one message. */
export const MOST_CHARACTERS = 64_000
/** A shared chat as JSON. Bytes. */
export const MOST_SHARE_BYTES = 256 * 1024

const text = z.string().max(MOST_CHARACTERS)
const messageSchema = z.strictObject({
  role: z.enum(['user', 'assistant', 'note']),
  text,
  model: z.exactOptional(z.string().max(64).transform(straight)),
  request: z.exactOptional(z.string().regex(/^0x[0-9a-f]{64}$/)),
})

export const snapshotSchema = z.strictObject({
  title: z.string().min(1).max(200).transform(straight),
  model: z.string().max(64).transform(straight),
  messages: z.array(messageSchema).min(1).max(MOST_MESSAGES),
})
export type Snapshot = z.output<typeof snapshotSchema>

/** What `GET /api/shares/:id` answers. */
export const sharedSchema = snapshotSchema.extend({ createdAt: z.number() })
export type Shared = z.output<typeof sharedSchema>

export const CHAT_SHARE = { noun: 'shared chat', schema: snapshotSchema, mostBytes: MOST_SHARE_BYTES }
