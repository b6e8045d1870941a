import type OpenAI from 'openai'
import type OpenAI7 from 'openai-7'
import type { z } from 'zod'
import * as published from '../../apps/gateway/openapi/shapes.ts'

/**
 * What every answer of the OpenAI door must be, as it is published. Each shape is also what both major versions of OpenAI's
 * client declare: a shape that strays from their types does not compile.
 */

/** A schema whose output is a `T`. */
const shape =
  <T>() =>
  <S extends z.ZodType<T>>(schema: S): S =>
    schema

export const { failure, models, responseEvent, embeddings } = published
export const model = shape<OpenAI.Model & OpenAI7.Model>()(published.model)
export const chatCompletion = shape<OpenAI.ChatCompletion & OpenAI7.ChatCompletion>()(
  published.chatCompletion,
)
export const chatChunk = shape<OpenAI.ChatCompletionChunk & OpenAI7.ChatCompletionChunk>()(
  published.chatChunk,
)
export const textCompletion = shape<OpenAI.Completion & OpenAI7.Completion>()(published.textCompletion)
/** OpenAI's types give a text chunk no `null` reason and no `null` usage; its API sends both. */
export const { textChunk } = published
/** The client adds `output_text` itself. */
type Sent = Omit<OpenAI.Responses.Response, 'output_text'> & Omit<OpenAI7.Responses.Response, 'output_text'>
export const response = shape<Sent>()(published.response)
// OpenAI's types know its own sizes only; ours are whatever the pod paints.
type Pictures = OpenAI.ImagesResponse & OpenAI7.ImagesResponse
export const images = shape<Omit<Pictures, 'size'>>()(published.images)
