import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Tokenizer } from '@huggingface/tokenizers'
import type { EmbedOutput } from '../../../sdk/documents.ts'
import { refused } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import type { Engine, LoadEngine, Output, Provider, Work } from '../engine.ts'
import { contextOf, modelFile } from '../folder.ts'
import { chooseProvider } from '../provider.ts'
import { Encoder } from './encoder.ts'
import { type Embedded, embedEvidence } from './evidence.ts'
import { textsOf } from './request.ts'

/** Any Hugging Face folder of a sentence encoder whose vectors are the mean of its tokens, normalised. */
export const loadEmbed: LoadEngine = async (podFolder, manifest) => {
  const folder = join(podFolder, 'model')
  const file = await modelFile(folder, 'model')
  const [tokens, context] = await Promise.all([tokenReader(folder), contextOf(folder)])
  const choice = { allowed: manifest.resources.providers, bytes: (await stat(file)).size }
  const { provider, model } = await chooseProvider(choice, async (options) => {
    const encoder = await Encoder.open(file, options)
    try {
      await encoder.vectorOf(tokens('Hello'))
      return encoder
    } catch (cause) {
      await encoder.close()
      throw cause
    }
  })
  return new EmbedEngine(provider, model, manifest, tokens, context)
}

type ReadTokens = (text: string) => number[]

/** A text as the model was trained to read it, with the marks that the folder's post-processor sets. */
async function tokenReader(folder: string): Promise<ReadTokens> {
  const json = async (name: string): Promise<object> => JSON.parse(await readFile(join(folder, name), 'utf8'))
  const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'))
  return (text) => tokenizer.encode(text).ids
}

class EmbedEngine implements Engine {
  constructor(
    readonly provider: Provider,
    readonly model: Encoder,
    readonly manifest: Manifest,
    readonly tokens: ReadTokens,
    /** The model's room for one text. Tokens. */
    readonly context: number,
  ) {}

  /**
   * Output is one line, `{"embeddings": [[…], …]}`; units in are the tokens of all texts, units out none. Texts run one
   * by one, so that none of them depends on its neighbours' length.
   */
  async run(input: Uint8Array, { emit, signal }: Output): Promise<Work> {
    const texts = this.#read(input)
    const done: Embedded[] = []
    for (const ids of texts) {
      // ONNX Runtime blocks the thread while it computes: without this pause nobody could say stop.
      await setImmediate()
      if (signal.aborted) break
      done.push({ tokens: ids.length, vector: await this.model.vectorOf(ids) })
    }
    const complete = done.length === texts.length && !signal.aborted
    if (complete) await emit(lineOf(done))
    const unitsIn = done.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n)
    return { unitsIn, unitsOut: 0n, complete, evidence: embedEvidence(done) }
  }

  /** @throws `input.too_long` (refused) for a text past the model's room, or for more tokens than the pod reads. */
  #read(input: Uint8Array): number[][] {
    const texts = textsOf(input, this.manifest).map(this.tokens)
    for (const [i, ids] of texts.entries()) {
      if (ids.length === 0) throw empty(i)
      if (ids.length > this.context) throw tooLong(`input.${i}`, ids.length, this.context)
    }
    const total = texts.reduce((sum, ids) => sum + ids.length, 0)
    // The quote is made on the input's bytes: more tokens than bytes would cost more than was allowed.
    const most = Math.min(this.manifest.limits.inputUnits, input.length)
    if (total > most) throw tooLong('input', total, most)
    return texts
  }

  close(): Promise<void> {
    return this.model.close()
  }
}

const tooLong = (field: string, tokens: number, most: number) =>
  refused('input.too_long', `${field}: is ${tokens} tokens, the pod reads ${most}`, {
    field,
    fix: 'Cut the text into parts, or send fewer texts in one call.',
    details: { tokens, most },
  })

const empty = (i: number) =>
  refused('input.invalid', `input.${i}: holds nothing that the model reads`, {
    field: `input.${i}`,
    fix: 'Send a text with words in it.',
  })

/** Six decimals: enough for any ranking, and a third of the bytes. */
function lineOf(done: readonly Embedded[]): Uint8Array {
  const embeddings = done.map(({ vector }) => Array.from(vector, (value) => Number(value.toFixed(6))))
  return new TextEncoder().encode(`${JSON.stringify({ embeddings } satisfies EmbedOutput)}\n`)
}
