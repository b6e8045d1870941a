import { z } from 'zod'

/**
 * What every answer of the OpenAI door is, field by field and nothing more: published at `/openapi.json`, and held against every
 * answer and against the types of OpenAI's own clients by tests.
 */

const count = z.number().int().nonnegative()
const seconds = z.number().int().min(1_700_000_000).max(4_000_000_000)
const call = z.string().regex(/^0x[0-9a-f]{64}$/)
const finish = z.enum(['stop', 'length'])
const fingerprint = z.string().regex(/^fp_[0-9a-f]{10}$/)

const errorBody = z.strictObject({
  message: z.string().min(1),
  type: z.enum([
    'invalid_request_error',
    'authentication_error',
    'insufficient_quota',
    'rate_limit_error',
    'server_error',
  ]),
  param: z.string().nullable(),
  code: z.string().min(1),
  fix: z.exactOptional(z.string()),
})
export const failure = z.strictObject({ error: errorBody })
const errors = z.exactOptional(z.array(errorBody).min(1))

export const model = z.strictObject({
  id: z.string().min(1),
  object: z.literal('model'),
  created: z.literal(0),
  owned_by: z.literal('heurist'),
  pod: z.number().int(),
  kind: z.string(),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  manifest: call,
  description: z.string().min(1),
  pricing: z.strictObject({
    unit: z.enum(['token', 'step']),
    per: count,
    input: count,
    output: count,
    minimum: count,
  }),
  limits: z.strictObject({
    inputBytes: count,
    inputUnits: count,
    outputUnits: count,
    outputBytes: count,
    seconds: count,
  }),
})
export const models = z.strictObject({ object: z.literal('list'), data: z.array(model) })

const usage = z
  .strictObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
  .refine((each) => each.prompt_tokens + each.completion_tokens === each.total_tokens)

const chatHead = { id: z.string().regex(/^chatcmpl-[0-9a-f]{32}$/), created: seconds, model: z.string() }
export const chatCompletion = z.strictObject({
  ...chatHead,
  object: z.literal('chat.completion'),
  system_fingerprint: fingerprint,
  choices: z
    .array(
      z.strictObject({
        index: count,
        message: z.strictObject({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        logprobs: z.null(),
        finish_reason: finish,
      }),
    )
    .min(1),
  usage,
  errors,
})
export const chatChunk = z.strictObject({
  ...chatHead,
  object: z.literal('chat.completion.chunk'),
  system_fingerprint: fingerprint,
  choices: z
    .array(
      z.strictObject({
        index: count,
        delta: z.strictObject({
          role: z.exactOptional(z.literal('assistant')),
          content: z.exactOptional(z.string()),
        }),
        logprobs: z.null(),
        finish_reason: finish.nullable(),
      }),
    )
    .max(1),
  usage: z.exactOptional(usage.nullable()),
})

const text = {
  id: z.string().regex(/^cmpl-[0-9a-f]{32}$/),
  object: z.literal('text_completion'),
  created: seconds,
  model: z.string(),
  system_fingerprint: fingerprint,
}
export const textCompletion = z.strictObject({
  ...text,
  choices: z
    .array(z.strictObject({ index: count, text: z.string(), logprobs: z.null(), finish_reason: finish }))
    .min(1),
  usage,
  errors,
})
/** OpenAI's types give a text chunk no `null` reason and no `null` usage; its API sends both. */
export const textChunk = z.strictObject({
  ...text,
  choices: z
    .array(
      z.strictObject({
        index: count,
        text: z.string(),
        logprobs: z.null(),
        finish_reason: finish.nullable(),
      }),
    )
    .max(1),
  usage: z.exactOptional(usage.nullable()),
})

const part = z.strictObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.tuple([]),
  logprobs: z.tuple([]),
})
const message = z.strictObject({
  id: z.string().regex(/^msg_[0-9a-f]{32}$/),
  type: z.literal('message'),
  role: z.literal('assistant'),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
  content: z.array(part).max(1),
})
export const response = z.strictObject({
  id: z.string().regex(/^resp_[0-9a-f]{32}$/),
  object: z.literal('response'),
  created_at: seconds,
  model: z.string(),
  access_programs: z.null(),
  background: z.literal(false),
  error: z
    .strictObject({ code: z.enum(['server_error', 'rate_limit_exceeded']), message: z.string().min(1) })
    .nullable(),
  incomplete_details: z.strictObject({ reason: z.literal('max_output_tokens') }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: count.nullable(),
  metadata: z.record(z.string(), z.string()),
  output: z.array(message).max(1),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.null(),
  service_tier: z.literal('default'),
  status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  temperature: z.number(),
  text: z.strictObject({ format: z.strictObject({ type: z.literal('text') }) }),
  tool_choice: z.enum(['none', 'auto']),
  tools: z.tuple([]),
  top_logprobs: z.literal(0),
  top_p: z.number(),
  truncation: z.literal('disabled'),
  usage: z.exactOptional(
    z.strictObject({
      input_tokens: count,
      input_tokens_details: z.strictObject({
        cached_tokens: z.literal(0),
        cache_write_tokens: z.literal(0),
      }),
      output_tokens: count,
      output_tokens_details: z.strictObject({ reasoning_tokens: z.literal(0) }),
      total_tokens: count,
    }),
  ),
})

const sequence_number = count
const inItem = { sequence_number, output_index: z.literal(0) }
const inPart = { ...inItem, item_id: z.string().regex(/^msg_[0-9a-f]{32}$/), content_index: z.literal(0) }
const whole = <T extends string>(type: T) =>
  z.strictObject({ type: z.literal(type), sequence_number, response })
export const responseEvent = z.discriminatedUnion('type', [
  whole('response.created'),
  whole('response.in_progress'),
  whole('response.completed'),
  whole('response.incomplete'),
  whole('response.failed'),
  z.strictObject({ type: z.literal('response.output_item.added'), ...inItem, item: message }),
  z.strictObject({ type: z.literal('response.output_item.done'), ...inItem, item: message }),
  z.strictObject({ type: z.literal('response.content_part.added'), ...inPart, part }),
  z.strictObject({ type: z.literal('response.content_part.done'), ...inPart, part }),
  z.strictObject({
    type: z.literal('response.output_text.delta'),
    ...inPart,
    delta: z.string().min(1),
    logprobs: z.tuple([]),
  }),
  z.strictObject({
    type: z.literal('response.output_text.done'),
    ...inPart,
    text: z.string(),
    logprobs: z.tuple([]),
  }),
  z.strictObject({
    type: z.literal('error'),
    sequence_number,
    code: z.string(),
    message: z.string(),
    param: z.string().nullable(),
    // Beyond OpenAI's type, and what its client throws at.
    error: errorBody,
  }),
])

/** As they travel; OpenAI's client turns base64 into numbers. */
export const embeddings = z.strictObject({
  object: z.literal('list'),
  model: z.string(),
  data: z
    .array(
      z.strictObject({
        object: z.literal('embedding'),
        index: count,
        embedding: z.union([z.array(z.number()).min(1), z.base64()]),
      }),
    )
    .min(1),
  usage: z.strictObject({ prompt_tokens: count, total_tokens: count }),
})

export const images = z.strictObject({
  created: seconds,
  background: z.literal('opaque'),
  output_format: z.literal('png'),
  // Whatever the pod paints.
  size: z.string().regex(/^\d+x\d+$/),
  data: z
    .array(
      z.strictObject({
        b64_json: z.exactOptional(z.base64()),
        url: z.exactOptional(z.url()),
        seed: count,
        receipt: call,
      }),
    )
    .min(1),
  errors,
})
