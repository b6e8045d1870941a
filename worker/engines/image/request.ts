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
  /** What guidance leads away from: ids of the negative prompt's known words, or silence alone. */
  negative: readonly number[]
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
  /** A pod takes negative prompts if its manifest names its own. */
  negative_prompt: z.string().optional(),
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
  const own = defaults.negative_prompt
  const whole = own === undefined ? schema : schema.extend({ negative_prompt: z.string().default(own) })
  return (input) => {
    const document = readDocument(whole, input, manifest.limits.inputBytes, WORDING)
    const { prompt, seed: given, steps, guidance, size } = document
    const seed = given ?? seedOf(input)
    const ids = promptIds(prompt, seed, config, vocabulary)
    const unwanted = 'negative_prompt' in document ? String(document.negative_prompt) : ''
    const negative = padded('negative_prompt', vocabulary.encode(unwanted), config)
    return { ids, negative, seed, steps, guidance, size }
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
  return padded('prompt', vocabulary.encode(completed(prompt, seed, config, vocabulary)), config)
}

/** As long as the model reads, with silence behind. @throws `input.too_long` (refused). */
function padded(field: string, ids: readonly number[], { maxWords }: ImageConfig): number[] {
  if (ids.length > maxWords) {
    throw refused('input.too_long', `${field}: has ${ids.length} known words, the pod reads ${maxWords}`, {
      field,
      fix: 'Say it in fewer words.',
      details: { words: ids.length, most: maxWords },
    })
  }
  return [...ids, ...new Array<number>(maxWords - ids.length).fill(0)]
}
