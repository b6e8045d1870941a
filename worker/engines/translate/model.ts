import { bug } from '../../../sdk/errors.ts'
import { lastRow } from '../chat/decoder.ts'
import { InferenceSession, Tensor } from '../onnx.ts'
import { emptyTensor, int64 } from '../tensors.ts'

/** A text that was read, and what its translation has behind it. */
export interface Reading {
  readonly states: Tensor
  readonly mask: Tensor
  readonly past: Map<string, Tensor>
  /** Tokens of the translation that were read. */
  length: number
}

export interface Files {
  readonly encoder: string
  readonly decoder: string
}

const PAST = 'past_key_values.'
const KNOWN = new Set(['input_ids', 'encoder_hidden_states', 'encoder_attention_mask', 'use_cache_branch'])

/**
 * An encoder-decoder in the layout of the `onnx-community` exports: `encoder_model` and `decoder_model_merged`, whose
 * caches are `past_key_values.N.decoder|encoder.key|value`. Names, types and sizes are read from the sessions, so any
 * export in this layout drops in, with or without `use_cache_branch`.
 */
export class Translator {
  private constructor(
    readonly encoder: InferenceSession,
    readonly decoder: InferenceSession,
  ) {}

  /** @throws `pod.broken` (bug) if the graphs are not in the layout. */
  static async open(files: Files, options: InferenceSession.SessionOptions): Promise<Translator> {
    const encoder = await InferenceSession.create(files.encoder, options)
    const decoder = await InferenceSession.create(files.decoder, options)
    const strange = decoder.inputNames.find((name) => !KNOWN.has(name) && !name.startsWith(PAST))
    const missing = decoder.inputNames
      .filter((name) => name.startsWith(PAST))
      .map(presentOf)
      .concat('logits')
      .find((name) => !decoder.outputNames.includes(name))
    if (strange !== undefined || missing !== undefined) {
      await Promise.all([encoder.release(), decoder.release()])
      throw bug('pod.broken', `${files.decoder} is no decoder of translations`, {
        details: { strange: strange ?? '', missing: missing ?? '' },
      })
    }
    return new Translator(encoder, decoder)
  }

  async read(source: readonly number[]): Promise<Reading> {
    const mask = int64(new Array<bigint>(source.length).fill(1n))
    const all: Record<string, Tensor> = { input_ids: int64(source.map(BigInt)), attention_mask: mask }
    const feeds = Object.fromEntries(this.encoder.inputNames.map((name) => [name, all[name] as Tensor]))
    const { last_hidden_state: states } = await this.encoder.run(feeds)
    if (states === undefined) throw bug('pod.broken', 'the model returned no last_hidden_state')
    return { states, mask, past: this.#emptyCaches(), length: 0 }
  }

  /** Reads tokens of the translation. Resolves to the logits after the last one. */
  async next(ids: readonly number[], reading: Reading): Promise<Float32Array> {
    const all: Record<string, Tensor> = {
      input_ids: int64(ids.map(BigInt)),
      encoder_hidden_states: reading.states,
      encoder_attention_mask: reading.mask,
      use_cache_branch: new Tensor('bool', [reading.length > 0], [1]),
      ...Object.fromEntries(reading.past),
    }
    const feeds = Object.fromEntries(this.decoder.inputNames.map((name) => [name, all[name] as Tensor]))
    const results = await this.decoder.run(feeds)
    for (const name of reading.past.keys()) {
      // What was read of the source does not change; exports with a cache branch hand back nothing for it.
      if (name.includes('.encoder.') && reading.length > 0) continue
      const present = results[presentOf(name)]
      if (present === undefined) throw bug('pod.broken', `the model returned no ${presentOf(name)}`)
      reading.past.set(name, present)
    }
    reading.length += ids.length
    return lastRow(results.logits)
  }

  #emptyCaches(): Map<string, Tensor> {
    const caches = this.decoder.inputMetadata.filter(({ name }) => name.startsWith(PAST))
    return new Map(
      caches.map((meta) => {
        const { name } = meta
        // One sequence; every other open dimension is a length, and nothing was read yet.
        const dims = meta.isTensor
          ? meta.shape.map((d) => (d === 'batch_size' ? 1 : typeof d === 'number' ? d : 0))
          : []
        const empty = meta.isTensor ? emptyTensor(meta.type, dims) : undefined
        if (empty === undefined) {
          throw bug('pod.broken', `${name} is of a type that is not served; float32 and float16 are`)
        }
        return [name, empty]
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all([this.encoder.release(), this.decoder.release()])
  }
}

const presentOf = (past: string): string => past.replace('past_key_values', 'present')
