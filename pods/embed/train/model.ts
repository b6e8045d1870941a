import { headWidth, inverseFrequencies, type Shape } from '../../chat/train/model.ts'
import { attended, byHead, type Layout } from '../../training/attention.ts'
import { gain, matrix, Parameters } from '../../training/parameters.ts'
import type { Indices, Tape, Value } from '../../training/tape.ts'
import type { Loss } from '../../training/trainer.ts'

/** The ModernBERT layout at the size of this pod. */
export const SHAPE: Shape = {
  vocabulary: 1536,
  width: 128,
  layers: 3,
  heads: 4,
  inner: 256,
  context: 256,
  theta: 10_000,
  epsilon: 1e-5,
}

/** How sharply the contrast tells neighbours apart: similarities, −1 to 1, times this are the logits. */
const SHARPNESS = 20

/** Weights are stored [in, out], ready for `x · W`. */
export function parametersOf(shape: Shape): Parameters {
  const { vocabulary, width, layers, inner } = shape
  const [into, out] = [width ** -0.5, inner ** -0.5]
  // What writes into the residual stream starts smaller, so that depth does not blow it up.
  const quiet = (2 * layers) ** -0.5
  const blocks = Array.from({ length: layers }, (_, i) => [
    // The first layer reads the embeddings, which are normalised already.
    ...(i === 0 ? [] : [gain(`${i}.attn_norm`, width)]),
    matrix(`${i}.qkv`, width, 3 * width, into),
    matrix(`${i}.attn_out`, width, width, into * quiet),
    gain(`${i}.mlp_norm`, width),
    matrix(`${i}.up_gate`, width, 2 * inner, into),
    matrix(`${i}.down`, inner, width, out * quiet),
  ])
  return new Parameters([
    matrix('table', vocabulary, width, 0.06),
    gain('table_norm', width),
    ...blocks.flat(),
    gain('norm', width),
  ])
}

/**
 * The contrast over a batch of `pairs` intents: each line must be nearer to its own paraphrase than to those of all
 * other intents, in both directions. Rows 0 … pairs − 1 are the one wording, the rest the other.
 *
 * Inputs: `ids` [2·pairs·time], `there` [2·pairs, time] (1 at tokens, 0 at padding).
 */
export function contrastLoss(shape: Shape, pairs: number, time: number): Loss {
  return (tape, weight) => {
    const rows = 2 * pairs
    const vectors = encoded(tape, weight, shape, { rows, time })
    const [one, other] = tape.split(vectors, 0, [pairs, pairs]) as [Value, Value]
    const logits = tape.scale(tape.matmul(one, tape.transpose(other, [1, 0])), SHARPNESS)
    const own: Indices = {
      name: tape.graph.ints(Array.from({ length: pairs }, (_, i) => i)),
      shape: [pairs],
      integer: true,
    }
    const even = tape.constant(new Float32Array(pairs).fill(1), [pairs])
    const there = tape.crossEntropy(logits, own, even)
    const back = tape.crossEntropy(tape.transpose(logits, [1, 0]), own, even)
    return tape.scale(tape.add(there, back), 0.5)
  }
}

/** One unit vector per row: the mean of what the last layer says of its tokens, at length 1. */
function encoded(
  tape: Tape,
  weight: (name: string) => Value,
  shape: Shape,
  { rows, time }: { rows: number; time: number },
): Value {
  const { width, heads, inner, epsilon } = shape
  const layout: Layout = { rows, heads, width }
  const there = tape.data('there', [rows, time])
  const mask = tape.reshape(tape.scale(tape.sub(there, tape.scalar(1)), 1e9), [rows, 1, 1, time])
  const norm = (x: Value, gain: string) => tape.mul(tape.layerNorm(x, epsilon), weight(gain))
  const turned = rotaryOf(tape, shape, time)
  let x = norm(tape.embed(weight('table'), tape.indices('ids', [rows * time])), 'table_norm')
  for (let i = 0; i < shape.layers; i++) {
    const read = i === 0 ? x : norm(x, `${i}.attn_norm`)
    const qkv = tape.split(tape.matmul(read, weight(`${i}.qkv`)), 1, [width, width, width])
    const [q, k, v] = qkv.map((part) => byHead(tape, part, layout)) as [Value, Value, Value]
    const mixed = attended(tape, [turned(q), turned(k), v], mask, layout)
    x = tape.add(x, tape.matmul(mixed, weight(`${i}.attn_out`)))
    const both = tape.matmul(norm(x, `${i}.mlp_norm`), weight(`${i}.up_gate`))
    const [up, gate] = tape.split(both, 1, [inner, inner]) as [Value, Value]
    x = tape.add(x, tape.matmul(tape.mul(tape.gelu(up), gate), weight(`${i}.down`)))
  }
  const last = tape.reshape(norm(x, 'norm'), [rows, time, width])
  const sum = tape.sum(tape.mul(last, tape.reshape(there, [rows, time, 1])), [1])
  // x / √(mean x²) has length √width.
  return tape.scale(tape.rmsNorm(sum, 1e-9), width ** -0.5)
}

function rotaryOf(tape: Tape, shape: Shape, time: number): (x: Value) => Value {
  const frequencies = inverseFrequencies(shape)
  const size = headWidth(shape)
  const table = (f: (angle: number) => number) =>
    tape.constant(
      Float32Array.from({ length: time * size }, (_, i) =>
        f(Math.floor(i / size) * (frequencies[i % frequencies.length] ?? 0)),
      ),
      [time, size],
    )
  const [cos, sin] = [table(Math.cos), table(Math.sin)]
  return (x) => tape.rotary(x, cos, sin)
}
