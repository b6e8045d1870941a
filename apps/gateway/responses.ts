import { z } from 'zod'
import { refused } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import { type Parameters, parseBody } from './parameters.ts'
import {
  type ChatInput,
  type Finish,
  type Message,
  modelName,
  samplingOf,
  temperature,
  tokens,
  topP,
  type Usage,
} from './sampling.ts'

const part = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('input_text'),
      text: z.string(),
      prompt_cache_breakpoint: z.unknown().optional(),
    }),
    // What an earlier answer gave back, as it came or as OpenAI's client completed it.
    z.strictObject({
      type: z.literal('output_text'),
      text: z.string(),
      annotations: z.array(z.unknown()).max(0).optional(),
      logprobs: z.array(z.unknown()).max(0).optional(),
      parsed: z.null().optional(),
    }),
  ],
  { error: "only 'input_text' and 'output_text' parts are supported" },
)

const partsOf = (content: unknown) =>
  typeof content === 'string' ? [{ type: 'input_text', text: content }] : content

const item = z
  .strictObject({
    type: z.literal('message', { error: 'only messages are supported' }).optional(),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: z.preprocess(partsOf, z.array(part).min(1)),
    id: z.string().optional(),
    status: z.enum(['in_progress', 'completed', 'incomplete']).optional(),
    phase: z.null({ error: 'phases are not supported' }).optional(),
  })
  .transform(
    ({ role, content }): Message => ({
      role: role === 'developer' ? 'system' : role,
      content: content.map(({ text }) => text).join(''),
    }),
  )

const itemsOf = (input: unknown) => (typeof input === 'string' ? [{ role: 'user', content: input }] : input)

const input = z.preprocess(
  itemsOf,
  z
    .array(item, { error: 'a text or a list of messages' })
    .min(1)
    .max(255)
    .refine(
      (messages) => messages.at(-1)?.role === 'user' && /\S/.test(messages.at(-1)?.content ?? ''),
      'ends with a message of the user that says something',
    ),
)

const schema = z.object({
  model: modelName,
  input,
  instructions: z.string().optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).optional(),
  max_output_tokens: tokens.optional(),
  temperature: temperature.optional(),
  top_p: topP.optional(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'at most 16 pairs')
    .optional(),
  text: z
    .strictObject({
      format: z.strictObject({ type: z.literal('text', { error: "only 'text' is supported" }) }).optional(),
    })
    .optional(),
  tool_choice: z.enum(['none', 'auto'], { error: "there are no tools: 'none' or 'auto'" }).optional(),
  parallel_tool_calls: z.boolean().optional(),
})

/** What `POST /v1/responses` does with every parameter of OpenAI's API. */
export const responseParameters: Parameters<typeof schema> = {
  schema,
  honoured: Object.keys(schema.shape),
  ignored: [
    'user',
    'safety_identifier',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
  ],
  neutral: {
    background: [false],
    include: [[]],
    reasoning: [{}, { effort: 'none' }],
    service_tier: ['auto', 'default'],
    store: [false],
    tools: [[]],
    top_logprobs: [0],
    truncation: ['disabled'],
  },
  unsupported: [
    'access_programs',
    'context_management',
    'conversation',
    'image',
    'max_tool_calls',
    'moderation',
    'previous_response_id',
    'prompt',
  ],
}

/** A response as the gateway understood what was asked. */
export interface ResponseCall {
  model: string
  stream: boolean
  input: ChatInput
  /** What the answer repeats of the question. */
  asked: Pick<
    z.output<typeof schema>,
    'instructions' | 'metadata' | 'max_output_tokens' | 'tool_choice' | 'parallel_tool_calls'
  >
}

/** @throws `parameter.*` (refused), naming the parameter. */
export function parseResponse(body: unknown): ResponseCall {
  const asked = parseBody(body, responseParameters)
  if (asked.stream_options !== undefined && asked.stream !== true) {
    throw refused('parameter.invalid', "'stream_options' needs 'stream: true'", { field: 'stream_options' })
  }
  const system: Message[] = asked.instructions ? [{ role: 'system', content: asked.instructions }] : []
  const { max_output_tokens: limit } = asked
  return {
    model: asked.model,
    stream: asked.stream ?? false,
    input: {
      messages: [...system, ...asked.input],
      ...samplingOf({ ...asked, ...(limit === undefined ? {} : { max_tokens: limit }) }),
    },
    asked,
  }
}

/** What all objects of one answer share: the question as it was understood. */
export type ResponseHead = ReturnType<typeof responseHead>

/** @param call  Hash of the paid request. */
export const responseHead = (
  { model, input, asked }: ResponseCall,
  { defaults }: Pick<Manifest, 'defaults'>,
  call: string,
) => ({
  id: `resp_${call.slice(2, 34)}`,
  object: 'response' as const,
  created_at: Math.floor(Date.now() / 1000),
  model,
  access_programs: null,
  background: false,
  instructions: asked.instructions ?? null,
  max_output_tokens: asked.max_output_tokens ?? null,
  metadata: asked.metadata ?? {},
  parallel_tool_calls: asked.parallel_tool_calls ?? true,
  previous_response_id: null,
  service_tier: 'default' as const,
  temperature: input.temperature ?? Number(defaults.temperature ?? 0),
  text: { format: { type: 'text' as const } },
  tool_choice: asked.tool_choice ?? ('auto' as const),
  tools: [] as [],
  top_logprobs: 0,
  top_p: input.top_p ?? Number(defaults.top_p ?? 1),
  truncation: 'disabled' as const,
})

const unfinished = { error: null, incomplete_details: null }

/** Before its first text. */
export const startedResponse = (head: ResponseHead) => ({
  ...head,
  ...unfinished,
  status: 'in_progress' as const,
  output: [] as [],
})

/** A whole answer, or one that its limit cut. */
export const finishedResponse = (head: ResponseHead, text: string, finish: Finish, usage: Usage) => ({
  ...head,
  error: null,
  status: statusOf(finish),
  incomplete_details: finish === 'length' ? { reason: 'max_output_tokens' as const } : null,
  output: [messageItem(head, [textPart(text)], statusOf(finish))],
  usage: {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.total_tokens,
  },
})

export const failedResponse = (head: ResponseHead, status: number, message: string) => ({
  ...head,
  ...unfinished,
  status: 'failed' as const,
  error: {
    code: status === 429 ? ('rate_limit_exceeded' as const) : ('server_error' as const),
    message,
  },
  output: [] as [],
})

export const statusOf = (finish: Finish) =>
  finish === 'length' ? ('incomplete' as const) : ('completed' as const)

type TextPart = ReturnType<typeof textPart>
export const textPart = (text: string) => ({
  type: 'output_text' as const,
  text,
  annotations: [] as [],
  logprobs: [] as [],
})

export const messageId = (head: ResponseHead): string => head.id.replace('resp_', 'msg_')

export const messageItem = (
  head: ResponseHead,
  content: readonly TextPart[],
  status: 'in_progress' | 'completed' | 'incomplete',
) => ({
  id: messageId(head),
  type: 'message' as const,
  role: 'assistant' as const,
  status,
  content,
})
