import { createHash } from 'node:crypto'
import { z } from 'zod'
import { IMAGE_GUIDANCE_MOST, IMAGE_SEED_MOST } from '../../../sdk/documents.ts'
import { refused } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { readDocument, type Wording } from '../document.ts'
import { completed } from './complete.ts'
import type { ImageConfig } from './config.ts'
import { type Vocabulary, wordsOf } from './words.ts'

/** A checked request with nothing left open. */
export interface ImageRequest {
  /** Ids of the prompt's known words (of its completion, where it leaves something out), padded with silence to the model's length. */
  ids: readonly number[]
  /** Unsigned 32-bit. */
  seed: number
  steps: number
  /** How strongly the prompt is followed: 1 is the model's own picture, 0 ignores the prompt. */
  guidance: number
  /** One of the pod's sizes. */
  size: string
}

const WORDING: Wording = {
  what: 'an image request',
  fix: 'Send {"prompt": text} and, if you like, seed, steps, guidance and size.',
  shorter: 'Send a shorter prompt.',
}

const defaultsSchema = z.object({
  steps: z.number().int().positive(),
  guidance: z.number().min(0).max(IMAGE_GUIDANCE_MOST),
  size: z.string(),
})

/** Turns the bytes a client sent into a checked request. The rules come from the pod's manifest and config. */
export type ParseRequest = (input: Uint8Array) => ImageRequest

/**
 * @returns a parser that throws
 *   `input.too_large` (refused) past the manifest's `inputBytes`;
 *   `input.invalid` (refused) naming the field that is wrong, unknown or out of range;
 *   `input.too_long` (refused) for more known words than the model reads.
 */
export function requestParser(manifest: Manifest, config: ImageConfig, vocabulary: Vocabulary): ParseRequest {
  const defaults = defaultsSchema.parse(manifest.defaults)
  const sizes = manifest.choices?.size ?? config.sizes
  const schema = z.strictObject({
    prompt: z.string('is a text that says what to draw'),
    seed: z.number().int().min(0).max(IMAGE_SEED_MOST).optional(),
    steps: z.number().int().min(1).max(manifest.limits.outputUnits).default(defaults.steps),
    guidance: z.number().min(0).max(IMAGE_GUIDANCE_MOST).default(defaults.guidance),
    size: z.enum(sizes as [string, ...string[]]).default(defaults.size),
  })
  return (input) => {
    const { prompt, seed: given, ...rest } = readDocument(schema, input, manifest.limits.inputBytes, WORDING)
    const seed = given ?? seedOf(input)
    return { ids: promptIds(prompt, seed, config, vocabulary), seed, ...rest }
  }
}

/** The seed of a request that names none: the same bytes give the same picture. */
function seedOf(input: Uint8Array): number {
  return createHash('sha256').update(input).digest().readUInt32BE(0)
}

function promptIds(prompt: string, seed: number, config: ImageConfig, vocabulary: Vocabulary): number[] {
  const subjects = new Set(Object.values(config.subjects).flat())
  if (!wordsOf(prompt).some((word) => subjects.has(word))) {
    const kinds = Object.entries(config.subjects).map(([kind, words]) => `${kind} (${words.join(', ')})`)
    throw refused('input.invalid', 'prompt: names nothing that this pod can draw', {
      field: 'prompt',
      fix: `Name at least one of: ${kinds.join('; ')}.`,
    })
  }
  const ids = vocabulary.encode(completed(prompt, seed, config, vocabulary))
  if (ids.length > config.maxWords) {
    throw refused(
      'input.too_long',
      `prompt: has ${ids.length} known words, the pod reads ${config.maxWords}`,
      {
        field: 'prompt',
        fix: 'Say it in fewer words.',
        details: { words: ids.length, most: config.maxWords },
      },
    )
  }
  return [...ids, ...new Array<number>(config.maxWords - ids.length).fill(0)]
}
