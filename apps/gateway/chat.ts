import { z } from 'zod'
import { refused } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import type { Receipt } from '../../sdk/protocol/messages.ts'
import { type Parameters, parseBody } from './parameters.ts'

const textPart = z.strictObject({
  type: z.literal('text', { error: "only 'text' parts are supported" }),
  text: z.string(),
})
const content = z
  .union([z.string(), z.array(textPart).min(1)], { error: "a string or an array of 'text' parts" })
  .transform((value) => (typeof value === 'string' ? value : value.map((part) => part.text).join('')))

/** OpenAI's newer name for the system role. */
const role = z
  .enum(['system', 'developer', 'user', 'assistant'], {
    error: "'system', 'developer', 'user' or 'assistant'; tool messages are not supported yet",
  })
  .transform((value) => (value === 'developer' ? 'system' : value))

const message = z
  .strictObject({
    role,
    content,
    name: z.string().optional(),
    refusal: z.null().optional(),
    annotations: z.array(z.unknown()).max(0).optional(),
    tool_calls: z.array(z.unknown()).max(0, 'tool calls are not supported yet').nullish(),
    function_call: z.null().optional(),
    audio: z.null().optional(),
  })
  .transform(({ role, content }) => ({ role, content }))

const tokens = z.number().int().min(1)
const stop = z.string().min(1, 'an empty string stops nothing').max(128)

const schema = z.object({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1, 'at least one message').max(256),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .optional(),
  max_tokens: tokens.optional(),
  max_completion_tokens: tokens.optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  stop: z.union([stop, z.array(stop).max(4)], { error: 'a string or up to 4 strings' }).optional(),
})

/** What `POST /v1/chat/completions` does with every parameter of OpenAI's API. */
export const chatParameters: Parameters<typeof schema> = {
  schema,
  honoured: Object.keys(schema.shape),
  ignored: [
    'user',
    'metadata',
    'store',
    'safety_identifier',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
    'prediction',
  ],
  neutral: {
    n: [1],
    frequency_penalty: [0],
    presence_penalty: [0],
    logit_bias: [{}],
    logprobs: [false],
    top_logprobs: [0],
    modalities: [['text']],
    response_format: [{ type: 'text' }],
    service_tier: ['auto', 'default'],
    tools: [[]],
    tool_choice: ['none', 'auto'],
    parallel_tool_calls: [true, false],
    functions: [[]],
    function_call: ['none', 'auto'],
    reasoning_effort: ['none'],
  },
  unsupported: ['audio', 'moderation', 'verbosity', 'web_search_options'],
}

/** A chat call as the gateway understood it. */
export interface ChatCall {
  model: string
  stream: boolean
  /** Send one more chunk with the usage before the end of a stream. */
  includeUsage: boolean
  /** The pod's input document. */
  input: ChatInput
}

export interface ChatInput {
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[]
  max_tokens?: number
  temperature?: number
  top_p?: number
  seed?: number
  stop?: string | string[]
}

/** @throws `parameter.*` (refused), naming the parameter. */
export function parseChat(body: unknown): ChatCall {
  const asked = parseBody(body, chatParameters)
  if (asked.stream_options !== undefined && asked.stream !== true) {
    throw refused('parameter.invalid', "'stream_options' needs 'stream: true'", { field: 'stream_options' })
  }
  const limit = limitOf(asked.max_tokens, asked.max_completion_tokens)
  return {
    model: asked.model,
    stream: asked.stream ?? false,
    includeUsage: asked.stream_options?.include_usage ?? false,
    input: {
      messages: asked.messages,
      ...(limit === undefined ? {} : { max_tokens: limit }),
      ...(asked.temperature === undefined ? {} : { temperature: asked.temperature }),
      ...(asked.top_p === undefined ? {} : { top_p: asked.top_p }),
      ...(asked.seed === undefined ? {} : { seed: asked.seed }),
      ...(asked.stop === undefined || asked.stop.length === 0 ? {} : { stop: asked.stop }),
    },
  }
}

function limitOf(old: number | undefined, current: number | undefined): number | undefined {
  if (old !== undefined && current !== undefined && old !== current) {
    throw refused('parameter.invalid', "'max_tokens' and 'max_completion_tokens' differ", {
      field: 'max_tokens',
    })
  }
  return current ?? old
}

/**
 * Fits a call to a model: its limits are named before anything is paid, and sampling without a seed varies as
 * OpenAI's does (a pod alone would derive the seed from the input and repeat itself).
 *
 * @param seed  A fresh random seed, used only if the call samples and names none.
 * @throws `parameter.invalid` (refused) if more tokens are asked than the model makes.
 */
export function fitChat(input: ChatInput, manifest: Manifest, seed: number): ChatInput {
  const most = manifest.limits.outputUnits
  if (input.max_tokens !== undefined && input.max_tokens > most) {
    throw refused(
      'parameter.invalid',
      `'max_tokens' is ${input.max_tokens}; '${manifest.name}' makes at most ${most}`,
      {
        field: 'max_tokens',
        fix: `Ask for ${most} or fewer, or leave it out.`,
      },
    )
  }
  const temperature = input.temperature ?? manifest.defaults.temperature
  const samples = typeof temperature === 'number' && temperature > 0
  return samples && input.seed === undefined ? { ...input, seed } : input
}

/** How the pod ended an answer; OpenAI uses the same two words. */
export type Finish = 'stop' | 'length'

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

/** The tokens that were paid for, from the signed receipt. */
export const usageOf = (receipt: Pick<Receipt, 'unitsIn' | 'unitsOut'>): Usage => ({
  prompt_tokens: Number(receipt.unitsIn),
  completion_tokens: Number(receipt.unitsOut),
  total_tokens: Number(receipt.unitsIn + receipt.unitsOut),
})

/** What all objects of one answer share. */
export interface AnswerHead {
  id: string
  /** Unix seconds. */
  created: number
  model: string
  /** Changes when the same seed may give another answer: the pod's version. */
  system_fingerprint: string
}

export const completion = (head: AnswerHead, text: string, finish: Finish, usage: Usage) => ({
  ...head,
  object: 'chat.completion' as const,
  choices: [
    {
      index: 0,
      message: { role: 'assistant' as const, content: text, refusal: null },
      logprobs: null,
      finish_reason: finish,
    },
  ],
  usage,
})

interface Delta {
  role?: 'assistant'
  content?: string
}

/** One streamed chunk; `usage: null` on it only where the caller will get a usage chunk. */
export const chunk = (head: AnswerHead, delta: Delta, finish: Finish | null, includeUsage: boolean) => ({
  ...head,
  object: 'chat.completion.chunk' as const,
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...(includeUsage ? { usage: null } : {}),
})

export const usageChunk = (head: AnswerHead, usage: Usage) => ({
  ...head,
  object: 'chat.completion.chunk' as const,
  choices: [],
  usage,
})
