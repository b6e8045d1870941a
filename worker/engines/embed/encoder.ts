import { bug } from '../../../sdk/errors.ts'
import { InferenceSession, type Tensor } from '../onnx.ts'
import { floatsOf, int64 } from '../tensors.ts'

const INPUTS = new Set(['input_ids', 'attention_mask', 'token_type_ids'])

/**
 * A BERT-layout encoder: `input_ids, attention_mask, token_type_ids → last_hidden_state`, of which only the first and
 * the last must be there. Any export in this layout drops in, in float32 or float16.
 */
export class Encoder {
  private constructor(readonly session: InferenceSession) {}

  /** @throws `pod.broken` (bug) if the graph is not in the layout. */
  static async open(file: string, options: InferenceSession.SessionOptions): Promise<Encoder> {
    const session = await InferenceSession.create(file, options)
    const strange = session.inputNames.find((name) => !INPUTS.has(name))
    if (strange !== undefined || !session.outputNames.includes('last_hidden_state')) {
      await session.release()
      throw bug('pod.broken', `${file} is no encoder of texts`, { details: { input: strange ?? '' } })
    }
    return new Encoder(session)
  }

  /** The mean of what the last layer says of a text's tokens, at length 1. */
  async vectorOf(ids: readonly number[]): Promise<Float32Array> {
    const same = (value: bigint) => int64(new Array<bigint>(ids.length).fill(value))
    const all: Record<string, Tensor> = {
      input_ids: int64(ids.map(BigInt)),
      attention_mask: same(1n),
      token_type_ids: same(0n),
    }
    const feeds = Object.fromEntries(this.session.inputNames.map((name) => [name, all[name] as Tensor]))
    const { last_hidden_state: states } = await this.session.run(feeds)
    const values = floatsOf(states)
    if (values === undefined) throw bug('pod.broken', 'the model returned no last_hidden_state')
    return meanOf(values, ids.length)
  }

  close(): Promise<void> {
    return this.session.release()
  }
}

/** @throws `pod.broken` (bug) for a vector that has no direction. */
export function meanOf(states: Float32Array, tokens: number): Float32Array {
  const width = states.length / tokens
  const sum = new Float64Array(width)
  for (const [i, value] of states.entries()) sum[i % width] = (sum[i % width] ?? 0) + value
  const length = Math.hypot(...sum)
  if (!(length > 0) || !Number.isFinite(length))
    throw bug('pod.broken', 'the model gave a vector of no length')
  return Float32Array.from(sum, (value) => value / length)
}
