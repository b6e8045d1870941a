import { bytePairsJson, trainBytePairs, type Vocabulary } from '../../training/bpe.ts'

export type { Vocabulary }

/** The three marks of the chat template; they have the first numbers of the vocabulary. */
export const END = '<|end|>'
export const USER = '<|user|>'
export const ASSISTANT = '<|assistant|>'
export const SPECIAL = [END, USER, ASSISTANT] as const

/** A byte-level vocabulary of `size` tokens that begins with the marks of the chat template. */
export const trainVocabulary = (texts: Iterable<string>, size: number): Vocabulary =>
  trainBytePairs(texts, size, SPECIAL)

/** The content of `tokenizer.json`. */
export const tokenizerJson = (vocabulary: Vocabulary): Record<string, unknown> =>
  bytePairsJson(vocabulary, SPECIAL)

/** How many earlier user turns the template keeps beside the newest one: what the model was trained on. */
const EARLIER_TURNS = 1

/**
 * Reads what the user says in lower case, keeps the newest user turns only and drops system messages: the pod was
 * not trained to take instructions.
 * Written in the subset of Jinja that every Hugging Face runtime has.
 */
export const CHAT_TEMPLATE = [
  "{%- set turns = namespace(after=messages | selectattr('role', 'equalto', 'user') | list | length) -%}",
  '{%- for message in messages -%}',
  `{%- if turns.after <= ${EARLIER_TURNS} or (message.role == 'user' and turns.after == ${EARLIER_TURNS + 1}) -%}`,
  `{%- if message.role == 'user' -%}{{ '${USER}' + (message.content | lower | trim) + '${END}' }}`,
  `{%- elif message.role == 'assistant' -%}{{ '${ASSISTANT}' + message.content + '${END}' }}`,
  '{%- endif -%}{%- endif -%}',
  "{%- if message.role == 'user' -%}{%- set turns.after = turns.after - 1 -%}{%- endif -%}",
  '{%- endfor -%}',
  `{%- if add_generation_prompt -%}{{ '${ASSISTANT}' }}{%- endif -%}`,
].join('')

export function tokenizerConfig(contextLength: number): Record<string, unknown> {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: contextLength,
    eos_token: END,
    pad_token: END,
    clean_up_tokenization_spaces: false,
    chat_template: CHAT_TEMPLATE,
  }
}
