import { z } from 'zod'
import {
  type EmbedInput,
  type EmbedOutput,
  embedInputSchema,
  embedOutputSchema,
} from '../../sdk/documents.ts'
import { bug, refused } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import { type Parameters, parseBody } from './parameters.ts'
import { modelName, type Usage } from './sampling.ts'

const schema = z.object({
  model: modelName,
  input: embedInputSchema.shape.input,
  encoding_format: z.enum(['float', 'base64']).optional(),
  dimensions: z.number().int().min(1).optional(),
})

/** What `POST /v1/embeddings` does with every parameter of OpenAI's API. */
export const embeddingParameters: Parameters<typeof schema> = {
  schema,
  honoured: Object.keys(schema.shape),
  ignored: ['user'],
  neutral: {},
  unsupported: [],
}

/** An embedding call as the gateway understood it. */
export interface EmbeddingCall {
  model: string
  form: 'float' | 'base64'
  dimensions: number | undefined
  texts: number
  input: EmbedInput
}

/** @throws `parameter.*` (refused), naming the parameter. */
export function parseEmbedding(body: unknown): EmbeddingCall {
  const { model, input, encoding_format: form = 'float', dimensions } = parseBody(body, embeddingParameters)
  const texts = typeof input === 'string' ? 1 : input.length
  return { model, form, dimensions, texts, input: { input } }
}

/**
 * A pod's vectors have the length that they have: another one is refused before anything is paid.
 *
 * @throws `parameter.unsupported` (refused).
 */
export function fitDimensions(
  dimensions: number | undefined,
  { name, defaults }: Pick<Manifest, 'name' | 'defaults'>,
): void {
  if (dimensions === undefined || dimensions === defaults.dimensions) return
  const only = typeof defaults.dimensions === 'number' ? `only as ${defaults.dimensions}` : 'not at all'
  throw refused('parameter.unsupported', `'dimensions' is supported by '${name}' ${only}`, {
    field: 'dimensions',
    fix: 'Leave it out.',
  })
}

/**
 * The vectors in an embed pod's output document.
 *
 * @throws `output.unreadable` (bug): verified and paid for, but not one vector for each of `texts`.
 */
export function vectorsIn(bytes: Uint8Array, texts: number): number[][] {
  const { embeddings } = readVectors(bytes)
  const [first] = embeddings
  if (embeddings.length === texts && embeddings.every((each) => each.length === first?.length)) {
    return embeddings
  }
  throw bug(
    'output.unreadable',
    `the pod gave ${embeddings.length} vectors for ${texts} texts, or of several lengths`,
  )
}

function readVectors(bytes: Uint8Array): EmbedOutput {
  try {
    return embedOutputSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    throw bug('output.unreadable', 'the answer is not what an embed pod answers', { cause })
  }
}

/** 32-bit floats, little-endian, in base64, as OpenAI sends them. */
export function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(4 * vector.length)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, 4 * index)
  return bytes.toString('base64')
}

export const embeddingList = (
  model: string,
  vectors: readonly number[][],
  form: EmbeddingCall['form'],
  usage: Usage,
) => ({
  object: 'list' as const,
  model,
  data: vectors.map((vector, index) => ({
    object: 'embedding' as const,
    index,
    embedding: form === 'float' ? vector : base64Of(vector),
  })),
  usage: { prompt_tokens: usage.prompt_tokens, total_tokens: usage.total_tokens },
})
