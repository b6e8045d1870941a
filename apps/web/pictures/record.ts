import { z } from 'zod'
import { hashSchema } from '../../../sdk/protocol/wire.ts'

/** A picture as it is shown to whoever has its link, with what proves where it comes from. */

/** What a pod was asked, as JSON. Bytes. */
export const MOST_INPUT_BYTES = 64 * 1024
/** What pods of the network answer at most for a picture. Bytes. */
export const MOST_PICTURE_BYTES = 4 * 1024 * 1024
const MOST_PROMPT = 16_000

/** What a picture was asked with, of any image pod. */
export const askedSchema = z.looseObject({
  prompt: z.string().min(1).max(MOST_PROMPT),
  negative_prompt: z.exactOptional(z.string().max(MOST_PROMPT)),
  size: z.exactOptional(z.string().max(32)),
  steps: z.exactOptional(z.number()),
  guidance: z.exactOptional(z.number()),
  seed: z.exactOptional(z.number()),
})
export type Asked = z.output<typeof askedSchema>

/** What a pod was asked, from the text that was sent. Throws for what is not kept: it was read before. */
export const readAsked = (input: string): Asked => askedSchema.parse(JSON.parse(input))

/** `POST /api/pictures`. Nothing is taken on trust: the receipt of the request names both hashes. */
export const sharingSchema = z.strictObject({
  request: hashSchema,
  /** The very text that was sent to the pod. */
  input: z.string().min(2).max(MOST_INPUT_BYTES),
  picture: z.base64().max(Math.ceil(MOST_PICTURE_BYTES / 3) * 4),
})

/** What is kept of it beside the picture. */
export const pictureSchema = z.object({
  request: hashSchema,
  input: z.string(),
  model: z.string(),
  width: z.number(),
  height: z.number(),
})
export type Picture = z.output<typeof pictureSchema>

/** What `GET /api/pictures/:id` answers. */
export const sharedPictureSchema = pictureSchema.extend({ createdAt: z.number() })
export type SharedPicture = z.output<typeof sharedPictureSchema>

export const PICTURE_SHARE = {
  noun: 'shared picture',
  schema: pictureSchema,
  mostBytes: 4 * MOST_INPUT_BYTES,
  beside: 'png',
}

/** Where a shared picture itself is. */
export const picturePath = (id: string): string => `/imagine/p/${id}.png`
