import { bug } from '../../../sdk/errors.ts'
import { InferenceSession, type Tensor } from '../onnx.ts'
import { emptyTensor, floatsOf, int64 } from '../tensors.ts'

/** Tokens per run while a prompt is read: between two runs a job can still be stopped. */
const PREFILL_CHUNK = 256

/** What one sequence has behind it: the keys and values of every layer, by the name they are fed under. */
export interface Cache {
  readonly past: Map<string, Tensor>
  length: number
}

interface CacheInput {
  readonly past: string
  readonly present: string
  readonly empty: () => Tensor
}

/**
 * A Llama-layout decoder: `input_ids, attention_mask, position_ids, past_key_values.N.key|value` →
 * `logits, present.N.key|value`. Names, types and sizes are read from the session, so any export in this layout
 * drops in, in float32 or float16, with or without grouped heads.
 */
export class Decoder {
  readonly #session: InferenceSession
  readonly #caches: readonly CacheInput[]
  readonly #hasPositions: boolean

  private constructor(session: InferenceSession, caches: readonly CacheInput[]) {
    this.#session = session
    this.#caches = caches
    this.#hasPositions = session.inputNames.includes('position_ids')
  }

  /** @throws `pod.broken` (bug) if the graph is not in the layout. */
  static async open(file: string, options: InferenceSession.SessionOptions): Promise<Decoder> {
    const session = await InferenceSession.create(file, options)
    const known = new Set(['input_ids', 'attention_mask', 'position_ids'])
    const caches = session.inputMetadata.filter(({ name }) => !known.has(name)).map(cacheInput)
    for (const name of ['logits', ...caches.map(({ present }) => present)]) {
      if (!session.outputNames.includes(name)) throw bug('pod.broken', `${file} has no output ${name}`)
    }
    if (caches.length === 0) throw bug('pod.broken', `${file} keeps no key and value cache`)
    return new Decoder(session, caches)
  }

  newCache(): Cache {
    return { past: new Map(this.#caches.map(({ past, empty }) => [past, empty()])), length: 0 }
  }

  /**
   * Reads tokens into the cache. Resolves to the logits after the last one, or `undefined` if it was told to stop
   * between two chunks.
   */
  async read(
    ids: readonly number[],
    cache: Cache,
    keepOn: () => Promise<boolean>,
  ): Promise<Float32Array | undefined> {
    let logits: Float32Array | undefined
    for (let at = 0; at < ids.length; at += PREFILL_CHUNK) {
      if (!(await keepOn())) return undefined
      logits = await this.#run(ids.slice(at, at + PREFILL_CHUNK), cache)
    }
    return logits
  }

  async #run(ids: readonly number[], cache: Cache): Promise<Float32Array> {
    const total = cache.length + ids.length
    const feeds: Record<string, Tensor> = {
      ...Object.fromEntries(cache.past),
      input_ids: int64(ids.map(BigInt)),
      attention_mask: int64(new Array<bigint>(total).fill(1n)),
    }
    if (this.#hasPositions) feeds.position_ids = int64(ids.map((_, i) => BigInt(cache.length + i)))
    const results = await this.#session.run(feeds)
    for (const { past, present } of this.#caches) {
      const tensor = results[present]
      if (tensor === undefined) throw bug('pod.broken', `the model returned no ${present}`)
      cache.past.set(past, tensor)
    }
    cache.length = total
    return lastRow(results.logits)
  }

  close(): Promise<void> {
    return this.#session.release()
  }
}

function cacheInput(meta: InferenceSession.ValueMetadata): CacheInput {
  if (!meta.isTensor || !meta.name.startsWith('past_key_values.')) {
    throw bug('pod.broken', `the model asks for an input that no Llama layout has: ${meta.name}`)
  }
  const { name, type, shape } = meta
  // One sequence; every other open dimension is the length of the past, which begins empty.
  const dims = shape.map((d) => (d === 'batch_size' ? 1 : typeof d === 'number' ? d : 0))
  const empty = () => {
    const tensor = emptyTensor(type, dims)
    if (tensor !== undefined) return tensor
    throw bug('pod.broken', `${name} is of type ${type}; float32 and float16 are served`)
  }
  return { past: name, present: name.replace('past_key_values', 'present'), empty }
}

/** The logits of the last position, as float32. @throws `pod.broken` (bug) if there are none. */
export function lastRow(logits: Tensor | undefined): Float32Array {
  const all = floatsOf(logits)
  if (all === undefined) throw bug('pod.broken', 'the model returned no logits')
  return all.subarray(all.length - (logits?.dims.at(-1) ?? 0))
}
