import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import { bug } from '../../../sdk/errors.ts'
import type { Message } from './request.ts'

const special = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
const template = z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])

/** What this engine reads of a Hugging Face `tokenizer_config.json`. */
const configSchema = z.looseObject({
  bos_token: special.nullish(),
  eos_token: special.nullish(),
  pad_token: special.nullish(),
  chat_template: template.optional(),
})

const endSchema = z.object({ eos_token_id: z.union([z.number(), z.array(z.number())]).nullish() })

/** A pod's tokenizer, chat template and end marks. */
export class ChatTokens {
  readonly #tokenizer: Tokenizer
  readonly #template: Template
  readonly #marks: Record<string, string>
  readonly ends: ReadonlySet<number>

  constructor(tokenizer: Tokenizer, template: string, marks: Record<string, string>, ends: Iterable<number>) {
    this.#tokenizer = tokenizer
    this.#template = new Template(template)
    this.#marks = marks
    this.ends = new Set(ends)
  }

  /** The conversation as the model was trained to read it, up to where its answer begins. */
  prompt(messages: readonly Message[]): number[] {
    const text = this.#template.render({ ...this.#marks, messages, add_generation_prompt: true })
    const ids: number[] = this.#tokenizer.encode(text, { add_special_tokens: false }).ids
    return ids
  }

  /** Text of some tokens; a character that is cut in two ends in U+FFFD. */
  text(ids: readonly number[]): string {
    const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false }
    return ids.length === 0 ? '' : this.#tokenizer.decode([...ids], options)
  }
}

/** @throws `pod.broken` (bug) if the folder lacks a chat template or an end mark. */
export async function loadTokens(modelFolder: string): Promise<ChatTokens> {
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(modelFolder, name), 'utf8'))
  const [tokenizer, rawConfig] = await Promise.all([json('tokenizer.json'), json('tokenizer_config.json')])
  const config = configSchema.parse(rawConfig)
  const ends = await endIds(json)
  if (ends.length === 0) throw bug('pod.broken', `${modelFolder} names no eos_token_id`)
  const marks = Object.fromEntries(
    (['bos_token', 'eos_token', 'pad_token'] as const).flatMap((name) =>
      config[name] == null ? [] : [[name, config[name]]],
    ),
  )
  const jinja =
    templateOf(config.chat_template) ?? (await readOptional(join(modelFolder, 'chat_template.jinja')))
  if (jinja === undefined) throw bug('pod.broken', `${modelFolder} has no chat template`)
  return new ChatTokens(new Tokenizer(tokenizer as object, config), jinja, marks, ends)
}

/** What ends an answer: `generation_config.json` knows best, `config.json` is the older place. */
export async function endIds(json: (name: string) => Promise<unknown>): Promise<number[]> {
  for (const name of ['generation_config.json', 'config.json']) {
    const parsed = endSchema.safeParse(await json(name).catch(() => undefined))
    const ids = parsed.success ? parsed.data.eos_token_id : undefined
    if (ids != null) return [ids].flat()
  }
  return []
}

function templateOf(given: z.infer<typeof template> | undefined): string | undefined {
  if (given === undefined || typeof given === 'string') return given
  return (given.find(({ name }) => name === 'default') ?? given[0])?.template
}

const readOptional = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined)

/**
 * Turns tokens into text as they come. A token may hold half a character, and a tokenizer may space a word by its
 * neighbours; so the newest tokens are always read together with those of the last finished piece.
 */
export class TextStream {
  readonly #ids: number[] = []
  #from = 0
  #read = 0

  constructor(readonly tokens: Pick<ChatTokens, 'text'>) {}

  /** The text that this token completes: empty while a character is still cut. */
  add(id: number): string {
    this.#ids.push(id)
    const text = this.#fresh()
    if (text.endsWith('\uFFFD')) return ''
    this.#from = this.#read
    this.#read = this.#ids.length
    return text
  }

  /** What is left when no token follows: at most the stump of a character. */
  end(): string {
    const text = this.#fresh()
    this.#from = this.#read = this.#ids.length
    return text
  }

  #fresh(): string {
    const known = this.tokens.text(this.#ids.slice(this.#from, this.#read))
    return this.tokens.text(this.#ids.slice(this.#from)).slice(known.length)
  }
}
