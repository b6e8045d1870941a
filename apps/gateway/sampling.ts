import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { refused } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import type { Receipt } from '../../sdk/protocol/messages.ts'

/** What the routes that end in a chat pod share: its input document, its limits, what was paid for. */

/** Paid jobs that one call may make. */
export const MOST_CHOICES = 16

export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** The input document of a chat pod. */
export interface ChatInput {
  messages: Message[]
  max_tokens?: number
  temperature?: number
  top_p?: number
  seed?: number
  stop?: string | string[]
}

export const tokens = z.number().int().min(1)
export const temperature = z.number().min(0).max(2)
export const topP = z.number().gt(0).max(1)
export const modelName = z.string().min(1).max(128)
const stop = z.string().min(1, 'an empty string stops nothing').max(128)

/** The parameters that chat and text completions have in common. */
export const sampling = {
  model: modelName,
  n: z.number().int().min(1).max(MOST_CHOICES).optional(),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .optional(),
  max_tokens: tokens.optional(),
  temperature: temperature.optional(),
  top_p: topP.optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  stop: z.union([stop, z.array(stop).max(4)], { error: 'a string or up to 4 strings' }).optional(),
}
type Sampling = z.output<z.ZodObject<typeof sampling>>

/** Those of them that go into the pod's document. */
export const samplingOf = (
  asked: Partial<Pick<Sampling, 'max_tokens' | 'temperature' | 'top_p' | 'seed' | 'stop'>>,
): Omit<ChatInput, 'messages'> => ({
  ...(asked.max_tokens === undefined ? {} : { max_tokens: asked.max_tokens }),
  ...(asked.temperature === undefined ? {} : { temperature: asked.temperature }),
  ...(asked.top_p === undefined ? {} : { top_p: asked.top_p }),
  ...(asked.seed === undefined ? {} : { seed: asked.seed }),
  ...(asked.stop === undefined || asked.stop.length === 0 ? {} : { stop: asked.stop }),
})

/** Whether it streams, and whether its usage is told in one more chunk. @throws `parameter.invalid` (refused). */
export function streamingOf(asked: Pick<Sampling, 'stream' | 'stream_options'>) {
  if (asked.stream_options !== undefined && asked.stream !== true) {
    throw refused('parameter.invalid', "'stream_options' needs 'stream: true'", { field: 'stream_options' })
  }
  return { stream: asked.stream ?? false, includeUsage: asked.stream_options?.include_usage ?? false }
}

/**
 * Fits a call to a model: its limits are named before anything is paid, and sampling without a seed varies as
 * OpenAI's does (a pod alone would derive the seed from the input and repeat itself).
 *
 * @param seed  A fresh random seed, used only if the call samples and names none.
 * @param limitName  What the caller's API calls `max_tokens`.
 * @throws `parameter.invalid` (refused) if more tokens are asked than the model makes.
 */
export function fitChat(
  input: ChatInput,
  manifest: Manifest,
  seed: number,
  limitName = 'max_tokens',
): ChatInput {
  const most = manifest.limits.outputUnits
  if (input.max_tokens !== undefined && input.max_tokens > most) {
    throw refused(
      'parameter.invalid',
      `'${limitName}' is ${input.max_tokens}; '${manifest.name}' makes at most ${most}`,
      { field: limitName, fix: `Ask for ${most} or fewer, or leave it out.` },
    )
  }
  const warmth = input.temperature ?? manifest.defaults.temperature
  const samples = typeof warmth === 'number' && warmth > 0
  return samples && input.seed === undefined ? { ...input, seed } : input
}

/**
 * A seed for a call that names none. Always of ten digits: a call's bytes are in its price, which must be the same when it is
 * told and when it is paid.
 */
export const freshSeed = (): number => randomInt(10 ** 9, 2 ** 32)

const SEEDS = Number.MAX_SAFE_INTEGER + 1

/**
 * The jobs of a call for `n` choices. With a seed each has its own, consecutive from the first, so that a choice can
 * be made again alone; without one (temperature 0) they are the same.
 */
export const choicesOf = (input: ChatInput, n: number): ChatInput[] =>
  Array.from({ length: n }, (_, index) => {
    if (input.seed === undefined) return input
    const wraps = input.seed >= SEEDS - index
    return { ...input, seed: wraps ? input.seed - (SEEDS - index) : input.seed + index }
  })

/** How the pod ended an answer; OpenAI uses the same two words. */
export type Finish = 'stop' | 'length'

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

type Units = Pick<Receipt, 'unitsIn' | 'unitsOut'>

/** The tokens that were paid for, from the signed receipts: a prompt that several jobs read counts for each. */
export function usageOf(...receipts: readonly Units[]): Usage {
  const unitsIn = receipts.reduce((sum, each) => sum + each.unitsIn, 0n)
  const unitsOut = receipts.reduce((sum, each) => sum + each.unitsOut, 0n)
  return {
    prompt_tokens: Number(unitsIn),
    completion_tokens: Number(unitsOut),
    total_tokens: Number(unitsIn + unitsOut),
  }
}

/** What all objects of one answer share. */
export interface AnswerHead {
  id: string
  /** Unix seconds. */
  created: number
  model: string
  /** Changes when the same seed may give another answer: the pod's version. */
  system_fingerprint: string
}
