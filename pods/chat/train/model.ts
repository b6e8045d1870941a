import { gain, matrix, Parameters } from '../../training/parameters.ts'
import { sizeOf, type Tape, type Value } from '../../training/tape.ts'
import type { Loss } from '../../training/trainer.ts'

/** The Llama layout at the size of this pod; the names follow Hugging Face's `config.json`. */
export interface Shape {
  readonly vocabulary: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  readonly inner: number
  readonly context: number
  readonly theta: number
  readonly epsilon: number
}

export const SHAPE: Shape = {
  vocabulary: 1536,
  width: 128,
  layers: 4,
  heads: 4,
  inner: 384,
  context: 768,
  theta: 10_000,
  epsilon: 1e-5,
}

export const headWidth = ({ width, heads }: Shape): number => width / heads

/** Weights are stored [in, out], ready for `x · W`. The output head is the embedding table, transposed. */
export function parametersOf(shape: Shape): Parameters {
  const { vocabulary, width, layers, inner } = shape
  const [into, out] = [width ** -0.5, inner ** -0.5]
  // What writes into the residual stream starts smaller, so that depth does not blow it up.
  const quiet = (2 * layers) ** -0.5
  const blocks = Array.from({ length: layers }, (_, i) => [
    gain(`${i}.attention_norm`, width),
    matrix(`${i}.qkv`, width, 3 * width, into),
    matrix(`${i}.attention_out`, width, width, into * quiet),
    gain(`${i}.mlp_norm`, width),
    matrix(`${i}.gate_up`, width, 2 * inner, into),
    matrix(`${i}.down`, inner, width, out * quiet),
  ])
  return new Parameters([matrix('table', vocabulary, width, 0.06), ...blocks.flat(), gain('norm', width)])
}

/** Angle of each position and channel pair; the second half repeats the first. */
export function inverseFrequencies(shape: Shape): Float32Array {
  const half = headWidth(shape) / 2
  return Float32Array.from({ length: half }, (_, i) => shape.theta ** (-i / half))
}

/** Next-token loss over a padded batch: `ids` and `target` [rows·time], `weight` 1 where an answer is learnt. */
export function chatLoss(shape: Shape, rows: number, time: number): Loss {
  return (tape, weight) => {
    const count = rows * time
    let x = tape.embed(weight('table'), tape.indices('ids', [count]))
    const places = rotaryTables(tape, shape, time)
    for (let i = 0; i < shape.layers; i++) {
      const normed = tape.mul(tape.rmsNorm(x, shape.epsilon), weight(`${i}.attention_norm`))
      const mixed = attention(tape, tape.matmul(normed, weight(`${i}.qkv`)), shape, rows, time, places)
      x = tape.add(x, tape.matmul(mixed, weight(`${i}.attention_out`)))
      const second = tape.mul(tape.rmsNorm(x, shape.epsilon), weight(`${i}.mlp_norm`))
      const [gate, up] = tape.split(tape.matmul(second, weight(`${i}.gate_up`)), 1, [
        shape.inner,
        shape.inner,
      ])
      x = tape.add(x, tape.matmul(tape.mul(tape.silu(gate as Value), up as Value), weight(`${i}.down`)))
    }
    const last = tape.mul(tape.rmsNorm(x, shape.epsilon), weight('norm'))
    const logits = tape.matmul(last, tape.transpose(weight('table'), [1, 0]))
    return tape.crossEntropy(logits, tape.indices('target', [count]), tape.data('weight', [count]))
  }
}

interface Places {
  readonly cos: Value
  readonly sin: Value
  /** Hides the future: 0 or a large negative number, [time, time]. */
  readonly mask: Value
}

function rotaryTables(tape: Tape, shape: Shape, time: number): Places {
  const frequencies = inverseFrequencies(shape)
  const table = (f: (angle: number) => number) => {
    const values = new Float32Array(time * headWidth(shape))
    for (let i = 0; i < values.length; i++) {
      const position = Math.floor(i / headWidth(shape))
      values[i] = f(position * (frequencies[i % frequencies.length] ?? 0))
    }
    return tape.constant(values, [time, headWidth(shape)])
  }
  const hidden = Float32Array.from({ length: time * time }, (_, i) =>
    i % time > Math.floor(i / time) ? -1e9 : 0,
  )
  return { cos: table(Math.cos), sin: table(Math.sin), mask: tape.constant(hidden, [time, time]) }
}

function attention(tape: Tape, qkv: Value, shape: Shape, rows: number, time: number, places: Places): Value {
  const { width, heads } = shape
  const size = headWidth(shape)
  const byHead = (part: Value) => tape.transpose(tape.reshape(part, [rows, time, heads, size]), [0, 2, 1, 3])
  const [q, k, v] = tape.split(qkv, 1, [width, width, width]).map(byHead) as [Value, Value, Value]
  const query = tape.rotary(q, places.cos, places.sin)
  const key = tape.rotary(k, places.cos, places.sin)
  const scores = tape.scale(tape.matmul(query, tape.transpose(key, [0, 1, 3, 2])), size ** -0.5)
  const shares = tape.softmax(tape.add(scores, places.mask))
  return tape.reshape(tape.transpose(tape.matmul(shares, v), [0, 2, 1, 3]), [rows * time, width])
}

export const countOf = (parameters: Parameters): number =>
  parameters.list.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
