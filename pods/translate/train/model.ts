import { attended, byHead, type Layout } from '../../training/attention.ts'
import { gain, matrix, type Parameter, Parameters } from '../../training/parameters.ts'
import type { Tape, Value } from '../../training/tape.ts'
import type { Loss } from '../../training/trainer.ts'

/** The M2M100 layout at the size of this pod, without biases; the names follow Hugging Face's `config.json`. */
export interface Shape {
  readonly vocabulary: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  readonly inner: number
  readonly context: number
  readonly epsilon: number
}

export const SHAPE: Shape = {
  vocabulary: 1536,
  width: 128,
  layers: 3,
  heads: 4,
  inner: 384,
  context: 128,
  epsilon: 1e-5,
}

/** Weights are stored [in, out], ready for `x · W`. Both sides and the output head share one embedding table. */
export function parametersOf(shape: Shape): Parameters {
  const { vocabulary, width, layers, inner } = shape
  const [into, out] = [width ** -0.5, inner ** -0.5]
  // What writes into the residual stream starts smaller, so that depth does not blow it up.
  const quiet = (3 * layers) ** -0.5
  const block = (name: string): Parameter[] => [
    gain(`${name}.self_norm`, width),
    matrix(`${name}.qkv`, width, 3 * width, into),
    matrix(`${name}.self_out`, width, width, into * quiet),
    gain(`${name}.mlp_norm`, width),
    matrix(`${name}.up`, width, inner, into),
    matrix(`${name}.down`, inner, width, out * quiet),
  ]
  const across = (name: string): Parameter[] => [
    gain(`${name}.cross_norm`, width),
    matrix(`${name}.cross_q`, width, width, into),
    matrix(`${name}.cross_kv`, width, 2 * width, into),
    matrix(`${name}.cross_out`, width, width, into * quiet),
  ]
  const each = Array.from({ length: layers }, (_, i) => i)
  return new Parameters([
    matrix('table', vocabulary, width, 0.06),
    ...each.flatMap((i) => block(`encoder.${i}`)),
    gain('encoder.norm', width),
    ...each.flatMap((i) => [...block(`decoder.${i}`), ...across(`decoder.${i}`)]),
    gain('decoder.norm', width),
  ])
}

/** How fast the angle of each channel pair turns with the position; sines come first, then cosines. */
export function frequencies({ width }: Shape): Float32Array {
  const half = width / 2
  return Float32Array.from({ length: half }, (_, i) => 10_000 ** (-i / (half - 1)))
}

/**
 * Next-token loss over a padded batch of `rows` translations, `time` tokens on either side.
 *
 * Inputs: `source`, `ids`, `target` [rows·time]; `there` [rows, time], 1 at tokens of the source;
 * `weight` [rows·time], 1 where a token of the translation is learnt.
 */
export function translationLoss(shape: Shape, rows: number, time: number): Loss {
  return (tape, weight) => {
    const batch = new Batch(tape, weight, shape, rows, time)
    const states = batch.decoded(batch.encoded())
    const logits = tape.matmul(states, tape.transpose(weight('table'), [1, 0]))
    const count = rows * time
    return tape.crossEntropy(logits, tape.indices('target', [count]), tape.data('weight', [count]))
  }
}

class Batch {
  readonly #layout: Layout
  readonly #places: Value
  readonly #padding: Value

  constructor(
    readonly tape: Tape,
    readonly weight: (name: string) => Value,
    readonly shape: Shape,
    readonly rows: number,
    readonly time: number,
  ) {
    this.#layout = { rows, heads: shape.heads, width: shape.width }
    this.#places = tape.constant(placesOf(shape, time), [1, time, shape.width])
    const there = tape.data('there', [rows, time])
    const hidden = tape.scale(tape.sub(there, tape.scalar(1)), 1e9)
    this.#padding = tape.reshape(hidden, [rows, 1, 1, time])
  }

  encoded(): Value {
    let x = this.#embedded('source')
    for (let i = 0; i < this.shape.layers; i++) x = this.#block(`encoder.${i}`, x, this.#padding)
    return this.#norm(x, 'encoder.norm')
  }

  decoded(source: Value): Value {
    const { tape, time, shape } = this
    const future = Float32Array.from({ length: time * time }, (_, i) =>
      i % time > Math.floor(i / time) ? -1e9 : 0,
    )
    const mask = tape.constant(future, [time, time])
    let x = this.#embedded('ids')
    for (let i = 0; i < shape.layers; i++) {
      x = this.#block(`decoder.${i}`, x, mask, (mid) => this.#across(`decoder.${i}`, mid, source))
    }
    return this.#norm(x, 'decoder.norm')
  }

  #embedded(input: string): Value {
    const { tape, rows, time, shape } = this
    const x = tape.embed(this.weight('table'), tape.indices(input, [rows * time]))
    const scaled = tape.reshape(tape.scale(x, shape.width ** 0.5), [rows, time, shape.width])
    return tape.reshape(tape.add(scaled, this.#places), [rows * time, shape.width])
  }

  #block(name: string, x: Value, mask: Value, between: (x: Value) => Value = (mid) => mid): Value {
    const { tape, weight } = this
    const { width } = this.shape
    const qkv = tape.matmul(this.#norm(x, `${name}.self_norm`), weight(`${name}.qkv`))
    const [q, k, v] = tape
      .split(qkv, 1, [width, width, width])
      .map((part) => byHead(tape, part, this.#layout)) as [Value, Value, Value]
    const mixed = attended(tape, [q, k, v], mask, this.#layout)
    const mid = between(tape.add(x, tape.matmul(mixed, weight(`${name}.self_out`))))
    const up = tape.matmul(this.#norm(mid, `${name}.mlp_norm`), weight(`${name}.up`))
    return tape.add(mid, tape.matmul(tape.gelu(up), weight(`${name}.down`)))
  }

  #across(name: string, x: Value, source: Value): Value {
    const { tape, weight } = this
    const { width } = this.shape
    const q = tape.matmul(this.#norm(x, `${name}.cross_norm`), weight(`${name}.cross_q`))
    const kv = tape.split(tape.matmul(source, weight(`${name}.cross_kv`)), 1, [width, width])
    const heads = [q, ...kv].map((part) => byHead(tape, part, this.#layout)) as [Value, Value, Value]
    const mixed = attended(tape, heads, this.#padding, this.#layout)
    return tape.add(x, tape.matmul(mixed, weight(`${name}.cross_out`)))
  }

  #norm(x: Value, gain: string): Value {
    return this.tape.mul(this.tape.layerNorm(x, this.shape.epsilon), this.weight(gain))
  }
}

function placesOf(shape: Shape, time: number): Float32Array {
  const speeds = frequencies(shape)
  const half = speeds.length
  return Float32Array.from({ length: time * shape.width }, (_, i) => {
    const [position, channel] = [Math.floor(i / shape.width), i % shape.width]
    const angle = position * (speeds[channel % half] ?? 0)
    return channel < half ? Math.sin(angle) : Math.cos(angle)
  })
}
