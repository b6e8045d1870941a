import type { HeuristError } from '../../../sdk/errors.ts'
import type { Finish } from '../sampling.ts'
import { about } from './errors.ts'

const LLM = 'model_input.LLM.'

/** What a chat pod or the chat rules refused, about the field as the caller of this API knows it. */
export const aboutText = (cause: unknown): HeuristError =>
  about(cause, (field) => `${LLM}${field.startsWith('messages') ? 'prompt' : field}`)

/** The choices of an answer, as this API tells them: a list of one, in JSON. */
export const choicesOf = (text: string, finish: Finish): string =>
  JSON.stringify([{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finish }])

/** The text of an answer that `choicesOf` wrote. */
export function textOf(choices: string): string {
  const [choice] = JSON.parse(choices) as { message: { content: string } }[]
  return choice?.message.content ?? ''
}
