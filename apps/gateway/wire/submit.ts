import { createHash } from 'node:crypto'
import { z } from 'zod'
import { refused } from '../../../sdk/errors.ts'
import { parseChat } from '../chat.ts'
import type { ChatInput } from '../sampling.ts'
import { about } from './errors.ts'
import { checked, jobId, optional } from './fields.ts'
import { type SdAsked, sdSchema } from './picture.ts'

/** Seconds that a job may take, where it does not say. */
const DEADLINE = 60
const LONGEST_DEADLINE = 600

const jsonText = optional(z.string().max(65_536))

/** What the LLM gateway of old sent here: lists as JSON text. */
const llmSchema = z.strictObject({
  prompt: z.string().min(1).max(262_144),
  use_stream: optional(z.boolean()),
  temperature: optional(z.number()),
  max_tokens: optional(z.number().int()),
  tools: jsonText,
  extra_body: jsonText,
})

/** A body of `POST /submit_job`. */
export const jobSchema = z.strictObject({
  job_id: jobId,
  model_input: z.strictObject({ SD: optional(sdSchema), LLM: optional(llmSchema) }),
  model_type: optional(z.enum(['SD', 'LLM'])),
  model_id: z.string().min(1).max(128),
  deadline: optional(z.number().positive().max(LONGEST_DEADLINE)),
  priority: optional(z.literal(1, 'only 1 is offered: there is one priority')),
})

interface Common {
  id: string
  model: string
  /** Seconds. */
  deadline: number
  /** SHA-256 of what is asked, hexadecimal; the same for the same job. */
  content: string
}

export interface SdJob extends Common {
  type: 'SD'
  sd: SdAsked
}

export interface LlmJob extends Common {
  type: 'LLM'
  stream: boolean
  input: ChatInput
}

export const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** A body of `POST /submit_job`. @throws `parameter.*` (refused), naming the field. */
export function parseJob(body: unknown): SdJob | LlmJob {
  const { job_id: id, model_id: model, model_input: given, model_type, deadline } = checked(jobSchema, body)
  const common = { id, model, deadline: deadline ?? DEADLINE }
  const type = typeOf(given, model_type)
  if (type === 'SD') {
    const sd = given.SD as SdAsked
    return { ...common, type, sd, content: hashOf([type, model, sd]) }
  }
  const llm = given.LLM as z.output<typeof llmSchema>
  const { input } = chatOf(model, llm)
  const stream = llm.use_stream ?? false
  return { ...common, type, stream, input, content: hashOf([type, model, stream, input]) }
}

/** `model_type` may be left out: most clients do. */
function typeOf(given: { SD?: unknown; LLM?: unknown }, said: 'SD' | 'LLM' | undefined): 'SD' | 'LLM' {
  const types = (['SD', 'LLM'] as const).filter((each) => given[each] !== undefined)
  const [type] = types
  if (type === undefined || types.length > 1) {
    throw refused('parameter.invalid', "'model_input' holds either 'SD' or 'LLM'", { field: 'model_input' })
  }
  if (said === undefined || said === type) return type
  throw refused('parameter.invalid', `'model_type' is '${said}', 'model_input' holds '${type}'`, {
    field: 'model_type',
  })
}

const LLM = 'model_input.LLM.'

/** The same rules as at the chat route: what cannot be honoured is refused by name. */
function chatOf(model: string, llm: z.output<typeof llmSchema>) {
  const extra = llm.extra_body === undefined ? {} : parsed(llm.extra_body, 'extra_body')
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) {
    throw refused('parameter.invalid', `'${LLM}extra_body' is not a JSON object in text`, {
      field: `${LLM}extra_body`,
    })
  }
  const body = {
    ...extra,
    model,
    messages: parsed(llm.prompt, 'prompt'),
    ...(llm.temperature === undefined ? {} : { temperature: llm.temperature }),
    ...(llm.max_tokens === undefined ? {} : { max_tokens: llm.max_tokens }),
    ...(llm.tools === undefined ? {} : { tools: parsed(llm.tools, 'tools') }),
  }
  const call = parsedChat(body, extra)
  if (call.n === 1 && !call.stream) return call
  throw refused('parameter.unsupported', `'${LLM}extra_body' asks for several answers or a stream`, {
    field: `${LLM}extra_body`,
    fix: "Ask for a stream with 'use_stream'.",
  })
}

function parsedChat(body: object, extra: object) {
  try {
    return parseChat(body)
  } catch (cause) {
    throw about(cause, (field) => {
      if (field.startsWith('messages')) return `${LLM}prompt${field.slice('messages'.length)}`
      return Object.hasOwn(extra, field) ? `${LLM}extra_body.${field}` : `${LLM}${field}`
    })
  }
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refused('parameter.invalid', `'${LLM}${name}' is not JSON in text`, {
      field: `${LLM}${name}`,
      cause,
    })
  }
}
