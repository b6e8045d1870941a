import { Graph } from '../../training/graph.ts'
import { type Parameter, Parameters } from '../../training/parameters.ts'
import { type Indices, Tape, type Value } from '../../training/tape.ts'
import { SIDE } from './draw.ts'

/** Sizes of the two networks. Counts, except where said. */
export interface Shape {
  /** Side of a picture and of a patch, pixels. */
  side: number
  patch: number
  width: number
  heads: number
  blocks: number
  textBlocks: number
  /** Longest prompt in words. */
  words: number
  /** Words known, the silent one (0) included. */
  vocabulary: number
}

export function shapeFor(vocabulary: number): Shape {
  return { side: SIDE, patch: 4, width: 128, heads: 4, blocks: 4, textBlocks: 2, words: 24, vocabulary }
}

type Weight = (name: string) => Value

const TIME_FREQUENCIES = 64

/** The weights of both networks, in the order they are stored. */
export function parametersOf(s: Shape): Parameters {
  const { width: d } = s
  const pixels = 3 * s.patch * s.patch
  const across = s.side / s.patch
  const matrix = (name: string, from: number, to: number, gain = 1): Parameter => ({
    name,
    shape: [from, to],
    start: { deviation: gain / Math.sqrt(from) },
    decays: true,
  })
  const zero = (name: string, ...shape: number[]): Parameter => ({
    name,
    shape,
    start: { constant: 0 },
    decays: false,
  })
  const one = (name: string): Parameter => ({ name, shape: [d], start: { constant: 1 }, decays: false })
  const table = (name: string, rows: number): Parameter => ({
    name,
    shape: [rows, d],
    start: { deviation: 0.5 },
    decays: false,
  })
  const textBlock = (i: number) => [
    one(`text.${i}.norm1`),
    matrix(`text.${i}.qkv`, d, 3 * d),
    zero(`text.${i}.out`, d, d),
    one(`text.${i}.norm2`),
    matrix(`text.${i}.up`, d, 2 * d),
    zero(`text.${i}.down`, 2 * d, d),
  ]
  const block = (i: number) => [
    zero(`block.${i}.modulation`, 6 * d),
    matrix(`block.${i}.qkv`, d, 3 * d),
    matrix(`block.${i}.out`, d, d),
    one(`block.${i}.norm`),
    matrix(`block.${i}.query`, d, d),
    matrix(`block.${i}.keyvalue`, d, 2 * d),
    zero(`block.${i}.read`, d, d),
    matrix(`block.${i}.up`, d, 4 * d),
    zero(`block.${i}.up.bias`, 4 * d),
    matrix(`block.${i}.down`, 4 * d, d),
  ]
  return new Parameters([
    table('text.words', s.vocabulary),
    table('text.before', s.vocabulary),
    table('text.behind', s.vocabulary),
    table('text.places', s.words),
    ...Array.from({ length: s.textBlocks }, (_, i) => textBlock(i)).flat(),
    one('text.norm'),
    // At the start a patch is mostly its place and little of its noise, so that the words find their places first.
    matrix('in', pixels, d, 0.2),
    zero('in.bias', d),
    table('rows', across),
    table('columns', across),
    matrix('time.1', 2 * TIME_FREQUENCIES, d),
    zero('time.1.bias', d),
    matrix('time.2', d, d),
    matrix('time.text', d, d),
    zero('modulation', d, 6 * d),
    ...Array.from({ length: s.blocks }, (_, i) => block(i)).flat(),
    zero('last.modulation', d, 2 * d),
    zero('last', d, pixels),
    zero('last.bias', pixels),
  ])
}

/** Word ids [B, words] → one vector per word [B, words, width]. A small bidirectional transformer. */
export function encodeText(t: Tape, w: Weight, s: Shape, ids: Indices): Value {
  // A word knows its neighbours from the start: whose colour it is, is said by the word behind it.
  const alone = t.add(t.embed(w('text.words'), ids), w('text.places'))
  const before = shifted(t, t.embed(w('text.before'), ids), 'later')
  const behind = shifted(t, t.embed(w('text.behind'), ids), 'sooner')
  let x = t.add(alone, t.add(before, behind))
  for (let i = 0; i < s.textBlocks; i++) {
    const h = t.mul(t.rmsNorm(x), w(`text.${i}.norm1`))
    const [q, k, v] = thirds(t, t.matmul(h, w(`text.${i}.qkv`)), s.width)
    x = t.add(x, t.matmul(attend(t, s, q, k, v), w(`text.${i}.out`)))
    const m = t.matmul(t.mul(t.rmsNorm(x), w(`text.${i}.norm2`)), w(`text.${i}.up`))
    x = t.add(x, t.matmul(t.gelu(m), w(`text.${i}.down`)))
  }
  return t.mul(t.rmsNorm(x), w('text.norm'))
}

/** Moves every word's vector one place; the place that falls free is silent. */
function shifted(t: Tape, x: Value, direction: 'later' | 'sooner'): Value {
  const length = x.shape[1] ?? 1
  const [most, last] = t.split(x, 1, [length - 1, 1])
  const [first, rest] = t.split(x, 1, [1, length - 1])
  if (!most || !last || !first || !rest) throw new RangeError('a text has two words at least')
  return direction === 'later'
    ? t.concat([t.scale(first, 0), most], 1)
    : t.concat([rest, t.scale(last, 0)], 1)
}

/**
 * The diffusion transformer: from a noisy picture, its noise level and the text to the clean picture.
 * Patches look at the words, then at each other; noise level and mean word set scale, shift and gate (adaLN).
 *
 * @param sample   [B, 3, side, side], from -1 to 1 plus noise
 * @param timestep [B], noise level from 0 (clean) to 1 (noise alone)
 * @param text     [B, words, width]
 * @returns the expected clean picture, shaped like `sample`
 */
export function denoise(t: Tape, w: Weight, s: Shape, sample: Value, timestep: Value, text: Value): Value {
  const batch = sample.shape[0] ?? 1
  const condition = conditioning(t, w, timestep, text)
  const shared = t.matmul(condition, w('modulation'))
  let x = t.add(t.add(t.matmul(patchify(t, s, sample), w('in')), w('in.bias')), places(t, w, s))
  for (let i = 0; i < s.blocks; i++) {
    const modulation = t.reshape(t.add(shared, w(`block.${i}.modulation`)), [batch, 1, 6 * s.width])
    x = block(t, (name) => w(`block.${i}.${name}`), s, x, text, modulation)
  }
  const [shift, scale] = parts(
    t,
    t.reshape(t.matmul(condition, w('last.modulation')), [batch, 1, 2 * s.width]),
    2,
  )
  const last = t.add(t.matmul(modulate(t, x, shift, scale), w('last')), w('last.bias'))
  return unpatchify(t, s, last)
}

function block(t: Tape, w: Weight, s: Shape, from: Value, text: Value, modulation: Value): Value {
  const [shift1, scale1, gate1, shift2, scale2, gate2] = parts(t, modulation, 6)
  const query = t.matmul(t.mul(t.rmsNorm(from), w('norm')), w('query'))
  const [key, value] = parts(t, t.matmul(text, w('keyvalue')), 2)
  let x = t.add(from, t.matmul(attend(t, s, query, key, value), w('read')))
  const [q, k, v] = thirds(t, t.matmul(modulate(t, x, shift1, scale1), w('qkv')), s.width)
  x = t.add(x, t.mul(t.matmul(attend(t, s, q, k, v), w('out')), gate1))
  const hidden = t.gelu(t.add(t.matmul(modulate(t, x, shift2, scale2), w('up')), w('up.bias')))
  return t.add(x, t.mul(t.matmul(hidden, w('down')), gate2))
}

/** silu(MLP(waves of the noise level) + mean word · W): [B, width]. */
function conditioning(t: Tape, w: Weight, timestep: Value, text: Value): Value {
  const batch = timestep.shape[0] ?? 1
  const frequencies = Float32Array.from(
    { length: TIME_FREQUENCIES },
    (_, i) => 1000 * 10000 ** (-i / TIME_FREQUENCIES),
  )
  const angles = t.mul(t.reshape(timestep, [batch, 1]), t.constant(frequencies, [1, TIME_FREQUENCIES]))
  const wave = (op: 'Sin' | 'Cos'): Value => ({ ...angles, name: t.graph.node(op, [angles.name]) })
  const waves = t.concat([wave('Cos'), wave('Sin')], 1)
  const hidden = t.silu(t.add(t.matmul(waves, w('time.1')), w('time.1.bias')))
  return t.silu(t.add(t.matmul(hidden, w('time.2')), t.matmul(t.mean(text, [1]), w('time.text'))))
}

/** One vector per patch for where it is: its row's plus its column's. */
function places(t: Tape, w: Weight, s: Shape): Value {
  const across = s.side / s.patch
  const grid = t.add(
    t.reshape(w('rows'), [across, 1, s.width]),
    t.reshape(w('columns'), [1, across, s.width]),
  )
  return t.reshape(grid, [across * across, s.width])
}

function modulate(t: Tape, x: Value, shift: Value, scale: Value): Value {
  return t.add(t.mul(t.layerNorm(x), t.add(scale, t.scalar(1))), shift)
}

function attend(t: Tape, s: Shape, q: Value, k: Value, v: Value): Value {
  const [batch = 1, rows = 1] = q.shape
  const columns = k.shape[1] ?? 1
  const head = s.width / s.heads
  const split = (x: Value, length: number, order: readonly number[]) =>
    t.transpose(t.reshape(x, [batch, length, s.heads, head]), order)
  const scores = t.matmul(split(q, rows, [0, 2, 1, 3]), split(k, columns, [0, 2, 3, 1]))
  const mixed = t.matmul(t.softmax(t.scale(scores, 1 / Math.sqrt(head))), split(v, columns, [0, 2, 1, 3]))
  return t.reshape(t.transpose(mixed, [0, 2, 1, 3]), [batch, rows, s.width])
}

function patchify(t: Tape, s: Shape, picture: Value): Value {
  const batch = picture.shape[0] ?? 1
  const across = s.side / s.patch
  const cut = t.reshape(picture, [batch, 3, across, s.patch, across, s.patch])
  return t.reshape(t.transpose(cut, [0, 2, 4, 1, 3, 5]), [batch, across * across, 3 * s.patch * s.patch])
}

function unpatchify(t: Tape, s: Shape, patches: Value): Value {
  const batch = patches.shape[0] ?? 1
  const across = s.side / s.patch
  const cut = t.reshape(patches, [batch, across, across, 3, s.patch, s.patch])
  return t.reshape(t.transpose(cut, [0, 3, 1, 4, 2, 5]), [batch, 3, s.side, s.side])
}

type Three = [Value, Value, Value]
type Six = [Value, Value, Value, Value, Value, Value]

function thirds(t: Tape, x: Value, width: number): Three {
  return t.split(x, x.shape.length - 1, [width, width, width]) as Three
}

function parts(t: Tape, x: Value, count: 2): [Value, Value]
function parts(t: Tape, x: Value, count: 6): Six
function parts(t: Tape, x: Value, count: number): Value[] {
  const width = (x.shape.at(-1) ?? 0) / count
  return t.split(
    x,
    x.shape.length - 1,
    Array.from({ length: count }, () => width),
  )
}

/**
 * Writes the text encoder with its weights in half precision (widened when loaded).
 *
 * Inputs `input_ids` [2, words] int64; output `last_hidden_state` [2, words, width].
 */
export function exportTextEncoder(s: Shape, parameters: Parameters, weights: Float32Array): Uint8Array {
  const graph = new Graph('text_encoder')
  const tape = new Tape(graph)
  const ids = tape.indices('input_ids', [2, s.words])
  const text = encodeText(tape, frozen(graph, parameters, weights), s, ids)
  tape.output(text, 'last_hidden_state')
  return graph.encode()
}

/**
 * Writes the denoiser for a batch of two: with the prompt and without it.
 *
 * Inputs `sample` [2, 3, side, side], `timestep` [2], `encoder_hidden_states` [2, words, width];
 * output `out_sample`, the expected clean pictures.
 */
export function exportTransformer(s: Shape, parameters: Parameters, weights: Float32Array): Uint8Array {
  const graph = new Graph('transformer')
  const tape = new Tape(graph)
  const sample = tape.data('sample', [2, 3, s.side, s.side])
  const timestep = tape.data('timestep', [2])
  const text = tape.data('encoder_hidden_states', [2, s.words, s.width])
  tape.output(denoise(tape, frozen(graph, parameters, weights), s, sample, timestep, text), 'out_sample')
  return graph.encode()
}

function frozen(graph: Graph, parameters: Parameters, weights: Float32Array): Weight {
  return (name) => {
    const shape = parameters.shapeOf(name)
    return {
      name: graph.floats(parameters.view(weights, name), shape, 'float16', name),
      shape,
      trained: false,
    }
  }
}
