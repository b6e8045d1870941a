import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import { bug, refused } from '../../../sdk/errors.ts'
import { endIds } from '../chat/tokens.ts'

/** How the marks of languages are written: `__en__` in M2M100's folders, `eng_Latn` in NLLB's. */
const MARK = /^(?:__([a-z]{2,3})__|([a-z]{3}_[A-Z][a-z]{3}))$/

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string(), special: z.boolean() })),
})
const startSchema = z.looseObject({ decoder_start_token_id: z.number().nullish() })

/** A pod's tokenizer, and the marks that tell it what to translate from and to. */
export class TranslateTokens {
  readonly #tokenizer: Tokenizer

  constructor(
    tokenizer: Tokenizer,
    /** Language code → the id of its mark. */
    readonly languages: ReadonlyMap<string, number>,
    /** Begins every translation. */
    readonly start: number,
    readonly ends: ReadonlySet<number>,
  ) {
    this.#tokenizer = tokenizer
  }

  /** A text as the model was trained to read it: its language, its tokens, the end. */
  source(text: string, from: string): number[] {
    const ids: number[] = this.#tokenizer.encode(text, { add_special_tokens: false }).ids
    const [end] = this.ends
    return [this.#markOf(from, 'from'), ...ids, end ?? this.start]
  }

  /** What stands before the first token that the model draws. */
  opening(to: string): number[] {
    return [this.start, this.#markOf(to, 'to')]
  }

  /** Text of some tokens; a character that is cut in two ends in U+FFFD. */
  text(ids: readonly number[]): string {
    const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false }
    return ids.length === 0 ? '' : this.#tokenizer.decode([...ids], options)
  }

  /** @throws `input.invalid` (refused) for a language that the pod does not know. */
  #markOf(language: string, field: 'from' | 'to'): number {
    const mark = this.languages.get(language)
    if (mark !== undefined) return mark
    throw refused('input.invalid', `${field}: the pod does not know the language ${language}`, {
      field,
      fix: `Name one of: ${[...this.languages.keys()].join(', ')}.`,
    })
  }
}

/** @throws `pod.broken` (bug) if the folder names no languages, no start or no end. */
export async function loadTokens(folder: string): Promise<TranslateTokens> {
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, name), 'utf8'))
  const [raw, config, ends, start] = await Promise.all([
    json('tokenizer.json'),
    json('tokenizer_config.json'),
    endIds(json),
    startOf(json),
  ])
  const { added_tokens: added } = tokenizerSchema.parse(raw)
  const languages = new Map(
    added.flatMap(({ id, content, special }) => {
      const [, short, long] = (special && MARK.exec(content)) || []
      const code = short ?? long
      return code === undefined ? [] : [[code, id] as const]
    }),
  )
  if (languages.size < 2) throw bug('pod.broken', `${folder} has marks for fewer than two languages`)
  if (start === undefined || ends.length === 0) {
    throw bug('pod.broken', `${folder} names no decoder_start_token_id or no eos_token_id`)
  }
  return new TranslateTokens(new Tokenizer(raw as object, config as object), languages, start, new Set(ends))
}

async function startOf(json: (name: string) => Promise<unknown>): Promise<number | undefined> {
  for (const name of ['generation_config.json', 'config.json']) {
    const parsed = startSchema.safeParse(await json(name).catch(() => undefined))
    const start = parsed.success ? parsed.data.decoder_start_token_id : undefined
    if (start != null) return start
  }
  return undefined
}
