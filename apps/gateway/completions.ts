import { z } from 'zod'
import { refused } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import { type Parameters, parseBody } from './parameters.ts'
import {
  type AnswerHead,
  type ChatInput,
  choicesOf,
  type Finish,
  fitChat,
  MOST_CHOICES,
  sampling,
  samplingOf,
  streamingOf,
  type Usage,
} from './sampling.ts'
import { errorsOf, type Whole } from './whole.ts'

const prompt = z.string().regex(/\S/, 'a text that says something; tokens are not supported')

const schema = z.object({
  ...sampling,
  prompt: z.union([prompt, z.array(prompt).min(1).max(MOST_CHOICES)], {
    error: `a text that says something, or up to ${MOST_CHOICES} of them; tokens are not supported`,
  }),
  best_of: z.number().int().optional(),
})

/** What `POST /v1/completions` does with every parameter of OpenAI's API. */
export const completionParameters: Parameters<typeof schema> = {
  schema,
  honoured: Object.keys(schema.shape),
  ignored: ['user'],
  neutral: {
    echo: [false],
    frequency_penalty: [0],
    presence_penalty: [0],
    logit_bias: [{}],
    suffix: [''],
  },
  unsupported: ['logprobs'],
}

/** A text completion as the gateway understood it. */
export interface CompletionCall {
  model: string
  stream: boolean
  includeUsage: boolean
  /** Choices of each prompt. */
  n: number
  prompts: string[]
  input: Omit<ChatInput, 'messages'>
}

/** @throws `parameter.*` (refused), naming the parameter. */
export function parseCompletion(body: unknown): CompletionCall {
  const asked = parseBody(body, completionParameters)
  const prompts = typeof asked.prompt === 'string' ? [asked.prompt] : asked.prompt
  const n = asked.n ?? 1
  if (asked.best_of !== undefined && asked.best_of !== n) {
    throw refused('parameter.unsupported', "'best_of' is supported only equal to 'n'", { field: 'best_of' })
  }
  if (prompts.length * n > MOST_CHOICES) {
    throw refused(
      'parameter.invalid',
      `${prompts.length} prompts times ${n} choices are more than the ${MOST_CHOICES} answers of one call`,
      { field: 'n', fix: 'Ask in several calls.' },
    )
  }
  return { model: asked.model, ...streamingOf(asked), n, prompts, input: samplingOf(asked) }
}

/**
 * The jobs of a call, the choices of the first prompt first, as OpenAI numbers them. A chat pod reads a prompt as
 * what a user says and answers it.
 *
 * @param seed  A fresh random seed, used only if the call samples and names none.
 * @throws `parameter.invalid` (refused) if more tokens are asked than the model makes.
 */
export const completionInputs = (call: CompletionCall, manifest: Manifest, seed: number): ChatInput[] =>
  call.prompts.flatMap((content) => {
    const input = fitChat({ messages: [{ role: 'user', content }], ...call.input }, manifest, seed)
    return choicesOf(input, call.n)
  })

const choiceOf = (index: number, text: string, finish: Finish | null) => ({
  index,
  text,
  logprobs: null,
  finish_reason: finish,
})

/** A whole answer; failures stand beside the choices that were made, which are paid. */
export const textCompletion = (head: AnswerHead, { choices, usage, failures }: Omit<Whole, 'call'>) => ({
  object: 'text_completion' as const,
  ...head,
  choices: choices.map(({ index, text, finish }) => choiceOf(index, text, finish)),
  usage,
  ...errorsOf(failures),
})

/** One streamed chunk; `usage: null` on it only where the caller will get a usage chunk. */
export const textChunk = (
  head: AnswerHead,
  index: number,
  text: string,
  finish: Finish | null,
  includeUsage: boolean,
) => ({
  object: 'text_completion' as const,
  ...head,
  choices: [choiceOf(index, text, finish)],
  ...(includeUsage ? { usage: null } : {}),
})

export const textUsageChunk = (head: AnswerHead, usage: Usage) => ({
  object: 'text_completion' as const,
  ...head,
  choices: [],
  usage,
})
