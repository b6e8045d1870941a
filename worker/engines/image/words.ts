import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { bug } from '../../../sdk/errors.ts'

/** The part of a Hugging Face `tokenizer.json` this engine reads: a word-level vocabulary. */
const tokenizerSchema = z.object({
  model: z.object({
    type: z.literal('WordLevel'),
    vocab: z.record(z.string(), z.number().int().nonnegative()),
  }),
})

/** The words of a text in order: runs of letters, lower case. Everything else only separates. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? []
}

/** A word-level vocabulary. Id 0 is silence: it fills a short prompt and is the whole of the empty one. */
export class Vocabulary {
  readonly #ids: ReadonlyMap<string, number>

  constructor(ids: Readonly<Record<string, number>>) {
    this.#ids = new Map(Object.entries(ids))
  }

  /** @throws `pod.broken` (bug) if the file is no word-level tokenizer. */
  static async load(path: string): Promise<Vocabulary> {
    const parsed = tokenizerSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    if (!parsed.success) {
      throw bug(
        'pod.broken',
        `${path} is not a word-level tokenizer: ${parsed.error.issues[0]?.message ?? ''}`,
      )
    }
    return new Vocabulary(parsed.data.model.vocab)
  }

  knows(word: string): boolean {
    return this.#ids.has(word)
  }

  /** The ids of the words it knows, in order; words it does not know are passed over. */
  encode(text: string): number[] {
    return wordsOf(text).flatMap((word) => this.#ids.get(word) ?? [])
  }
}
