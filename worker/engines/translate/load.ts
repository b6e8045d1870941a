import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { bug, refused } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { type Finish, line } from '../chat/generate.ts'
import { type Draw, draw } from '../chat/sampler.ts'
import { TextStream } from '../chat/tokens.ts'
import type { Engine, LoadEngine, Output, Provider, Work } from '../engine.ts'
import { contextOf, modelFile } from '../folder.ts'
import { chooseProvider } from '../provider.ts'
import { translateEvidence } from './evidence.ts'
import { Translator } from './model.ts'
import { translationOf } from './request.ts'
import { loadTokens, type TranslateTokens } from './tokens.ts'

/** Always the likeliest token: a translation has no seed. */
const LIKELIEST = { temperature: 0, topP: 1, seed: 0 }

/** Any Hugging Face folder of a translator between marked languages, as M2M100 and NLLB are laid out. */
export const loadTranslate: LoadEngine = async (podFolder, manifest) => {
  const folder = join(podFolder, 'model')
  const files = {
    encoder: await modelFile(folder, 'encoder_model'),
    decoder: await modelFile(folder, 'decoder_model_merged'),
  }
  const [tokens, context] = await Promise.all([loadTokens(folder), contextOf(folder)])
  const bytes = (await stat(files.encoder)).size + (await stat(files.decoder)).size
  const choice = { allowed: manifest.resources.providers, bytes }
  const { provider, model } = await chooseProvider(choice, async (options) => {
    const translator = await Translator.open(files, options)
    try {
      await warmUp(translator, tokens)
      return translator
    } catch (cause) {
      await translator.close()
      throw cause
    }
  })
  return new TranslateEngine(provider, model, manifest, tokens, context)
}

/** Reads a source, a start and one token more, so that all kinds of run have happened before the first job. */
async function warmUp(translator: Translator, tokens: TranslateTokens): Promise<void> {
  const [from = '', to = ''] = tokens.languages.keys()
  const reading = await translator.read(tokens.source('Hello', from))
  for (const ids of [tokens.opening(to), [tokens.start]]) {
    const logits = await translator.next(ids, reading)
    if (!logits.every(Number.isFinite)) throw bug('pod.broken', 'the warm-up run gave no finite logits')
  }
}

class TranslateEngine implements Engine {
  constructor(
    readonly provider: Provider,
    readonly model: Translator,
    readonly manifest: Manifest,
    readonly tokens: TranslateTokens,
    /** The model's room on either side. Tokens. */
    readonly context: number,
  ) {}

  /**
   * Output is lines of `{"text"}` and a last `{"finish"}`, as a chat's; units are the tokens of the source with its two
   * marks, and the drawn tokens with the end mark.
   */
  async run(input: Uint8Array, { emit, signal }: Output): Promise<Work> {
    const request = translationOf(input, this.manifest)
    let unread = this.tokens.opening(request.to)
    const source = this.#source(request.text, request.from, input.length)
    const draws: Draw[] = []
    const text = new TextStream(this.tokens)
    const most = Math.min(this.manifest.limits.outputUnits, this.context - unread.length)
    let finish: Finish | undefined
    // ONNX Runtime blocks the thread while it computes: without these pauses nobody could say stop.
    await setImmediate()
    const reading = signal.aborted ? undefined : await this.model.read(source)
    while (reading !== undefined && finish === undefined) {
      await setImmediate()
      if (signal.aborted) break
      const next = draw(await this.model.next(unread, reading), draws.length, LIKELIEST)
      draws.push(next)
      if (this.tokens.ends.has(next.token)) finish = 'stop'
      else if (draws.length >= most) finish = 'length'
      const fresh = finish === 'stop' ? text.end() : text.add(next.token)
      const said = finish === 'length' ? fresh + text.end() : fresh
      if (said !== '') await emit(line({ text: said }))
      unread = [next.token]
    }
    const complete = finish !== undefined && !signal.aborted
    if (finish !== undefined && complete) await emit(line({ finish }))
    return {
      unitsIn: BigInt(source.length),
      unitsOut: BigInt(draws.length),
      complete,
      evidence: translateEvidence(source.length, draws),
    }
  }

  /** @throws `input.too_long` (refused) for more tokens than the pod reads. */
  #source(text: string, from: string, inputBytes: number): number[] {
    const source = this.tokens.source(text, from)
    // The quote is made on the input's bytes: more tokens than bytes would cost more than was allowed.
    const most = Math.min(this.manifest.limits.inputUnits, this.context, inputBytes)
    if (source.length <= most) return source
    throw refused('input.too_long', `text: is ${source.length} tokens, the pod reads ${most}`, {
      field: 'text',
      fix: 'Translate it sentence by sentence.',
      details: { tokens: source.length, most },
    })
  }

  close(): Promise<void> {
    return this.model.close()
  }
}
