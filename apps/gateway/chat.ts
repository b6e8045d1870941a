import { z } from 'zod'
import { refused } from '../../sdk/errors.ts'
import { type Parameters, parseBody } from './parameters.ts'
import {
  type AnswerHead,
  type ChatInput,
  type Finish,
  sampling,
  samplingOf,
  streamingOf,
  tokens,
  type Usage,
} from './sampling.ts'
import { errorsOf, type Whole } from './whole.ts'

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

const schema = z.object({
  ...sampling,
  messages: z.array(message).min(1, 'at least one message').max(256),
  max_completion_tokens: tokens.optional(),
})

/** What `POST /v1/chat/completions` does with every parameter of OpenAI's API. */
export const chatParameters: Parameters<typeof schema> = {
  schema,
  honoured: Object.keys(schema.shape),
  ignored: [
    'user',
    'metadata',
    'safety_identifier',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
    'prediction',
  ],
  neutral: {
    frequency_penalty: [0],
    presence_penalty: [0],
    logit_bias: [{}],
    logprobs: [false],
    top_logprobs: [0],
    modalities: [['text']],
    response_format: [{ type: 'text' }],
    service_tier: ['auto', 'default'],
    store: [false],
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
  /** Choices; each is one paid job. */
  n: number
  /** Which of OpenAI's two names the limit came under. */
  limitName: 'max_tokens' | 'max_completion_tokens'
  /** The pod's input document. */
  input: ChatInput
}

/** @throws `parameter.*` (refused), naming the parameter. */
export function parseChat(body: unknown): ChatCall {
  const asked = parseBody(body, chatParameters)
  const limit = limitOf(asked.max_tokens, asked.max_completion_tokens)
  return {
    model: asked.model,
    ...streamingOf(asked),
    n: asked.n ?? 1,
    limitName: asked.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens',
    input: {
      messages: asked.messages,
      ...samplingOf({ ...asked, ...(limit === undefined ? {} : { max_tokens: limit }) }),
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

/** A whole answer; failures stand beside the choices that were made, which are paid. */
export const completion = (head: AnswerHead, { choices, usage, failures }: Omit<Whole, 'call'>) => ({
  object: 'chat.completion' as const,
  ...head,
  choices: choices.map(({ index, text, finish }) => ({
    index,
    message: { role: 'assistant' as const, content: text, refusal: null },
    logprobs: null,
    finish_reason: finish,
  })),
  usage,
  ...errorsOf(failures),
})

interface Delta {
  role?: 'assistant'
  content?: string
}

/** One streamed chunk; `usage: null` on it only where the caller will get a usage chunk. */
export const chunk = (
  head: AnswerHead,
  delta: Delta,
  finish: Finish | null,
  includeUsage: boolean,
  index = 0,
) => ({
  object: 'chat.completion.chunk' as const,
  ...head,
  choices: [{ index, delta, logprobs: null, finish_reason: finish }],
  ...(includeUsage ? { usage: null } : {}),
})

export const usageChunk = (head: AnswerHead, usage: Usage) => ({
  object: 'chat.completion.chunk' as const,
  ...head,
  choices: [],
  usage,
})
