import { attendedNode, byHeadNode, geluNode, layerNormNode, paddingNode } from '../../training/attention.ts'
import { dataTypeOf, Graph } from '../../training/graph.ts'
import type { Parameters } from '../../training/parameters.ts'
import { frequencies, type Shape } from './model.ts'

/**
 * The trained weights as the two graphs that serve, in the names and open dimensions of the `onnx-community` exports
 * of encoder-decoder models. Weights are stored as float16 and computed in float32.
 */
export function encoderGraph(shape: Shape, parameters: Parameters, weights: Float32Array): Uint8Array {
  const side = new Side('translate_encoder', shape, parameters, weights)
  const { graph } = side
  graph.input('input_ids', 'int64', ['batch_size', 'encoder_sequence_length'])
  graph.input('attention_mask', 'int64', ['batch_size', 'encoder_sequence_length'])
  const padding = paddingNode(graph, 'attention_mask', dataTypeOf('float32'))
  let x = side.embedded(graph.ints([0], []))
  for (let i = 0; i < shape.layers; i++) {
    const name = `encoder.${i}`
    const [q, k, v] = side.selfHeads(name, x)
    x = side.mlp(name, side.add(x, side.out(`${name}.self_out`, [q, k, v], padding)))
  }
  const dims = ['batch_size', 'encoder_sequence_length', shape.width]
  graph.output(side.norm(x, 'encoder.norm'), 'last_hidden_state', 'float32', dims)
  return graph.encode()
}

/**
 * The decoder with both kinds of cache. The keys and values of the source are computed while their cache is empty and
 * handed on afterwards: what is read of the source begins where the cache ends.
 */
export function decoderGraph(shape: Shape, parameters: Parameters, weights: Float32Array): Uint8Array {
  const side = new Side('translate_decoder', shape, parameters, weights)
  const { graph } = side
  graph.input('input_ids', 'int64', ['batch_size', 'decoder_sequence_length'])
  graph.input('encoder_attention_mask', 'int64', ['batch_size', 'encoder_sequence_length'])
  graph.input('encoder_hidden_states', 'float32', ['batch_size', 'encoder_sequence_length', shape.width])
  const caches = new Caches(graph, shape)
  const padding = paddingNode(graph, 'encoder_attention_mask', dataTypeOf('float32'))
  const past = side.lengthOf(caches.past(0, 'decoder', 'key'), 2)
  const future = side.future(past)
  let x = side.embedded(past)
  for (let i = 0; i < shape.layers; i++) {
    const name = `decoder.${i}`
    const [q, k, v] = side.selfHeads(name, x)
    const said: Heads = [q, caches.longer(i, 'decoder', 'key', k), caches.longer(i, 'decoder', 'value', v)]
    x = side.add(x, side.out(`${name}.self_out`, said, future))
    const [ask, key, value] = side.crossHeads(name, x, caches.past(i, 'encoder', 'key'))
    const read: Heads = [
      ask,
      caches.longer(i, 'encoder', 'key', key),
      caches.longer(i, 'encoder', 'value', value),
    ]
    x = side.mlp(name, side.add(x, side.out(`${name}.cross_out`, read, padding)))
  }
  const head = graph.node('Transpose', [side.table], { perm: [1, 0] })
  const logits = graph.node('MatMul', [side.norm(x, 'decoder.norm'), head])
  graph.output(logits, 'logits', 'float32', ['batch_size', 'decoder_sequence_length', shape.vocabulary])
  return graph.encode()
}

type Heads = readonly [query: string, key: string, value: string]

/** What both graphs are written with. */
class Side {
  readonly graph: Graph
  readonly table: string

  constructor(
    name: string,
    readonly shape: Shape,
    readonly parameters: Parameters,
    readonly weights: Float32Array,
  ) {
    this.graph = new Graph(name)
    this.table = this.#weight('table')
  }

  /** Tokens and their positions, of which the first is `from`. */
  embedded(from: string): string {
    const { graph } = this
    const speeds = frequencies(this.shape)
    const end = this.add(from, this.lengthOf('input_ids', 1))
    const places = graph.node('Range', [from, end, graph.ints([1], [])])
    const column = graph.node('Unsqueeze', [
      graph.node('Cast', [places], { to: dataTypeOf('float32') }),
      graph.ints([1]),
    ])
    const angles = graph.node('Mul', [column, graph.floats(speeds, [1, speeds.length])])
    const waves = graph.node('Concat', [graph.node('Sin', [angles]), graph.node('Cos', [angles])], {
      axis: 1,
    })
    const words = graph.node('Gather', [this.table, 'input_ids'], { axis: 0 })
    return this.add(graph.node('Mul', [words, graph.scalar(this.shape.width ** 0.5)]), waves)
  }

  selfHeads(name: string, x: string): Heads {
    const { width } = this.shape
    const qkv = this.#matmul(this.norm(x, `${name}.self_norm`), `${name}.qkv`)
    return this.#cut(qkv, [width, width, width]) as unknown as Heads
  }

  /** The query of the newest tokens, and keys and values of that part of the source that no cache holds. */
  crossHeads(name: string, x: string, cached: string): Heads {
    const { graph } = this
    const { width } = this.shape
    const from = graph.node('Unsqueeze', [this.lengthOf(cached, 2), graph.ints([0])])
    const whole = this.lengthOf('encoder_hidden_states', 1)
    const to = graph.node('Unsqueeze', [whole, graph.ints([0])])
    const fresh = graph.node('Slice', ['encoder_hidden_states', from, to, graph.ints([1])])
    const query = this.#matmul(this.norm(x, `${name}.cross_norm`), `${name}.cross_q`)
    const kv = this.#cut(this.#matmul(fresh, `${name}.cross_kv`), [width, width])
    return [byHeadNode(graph, query, this.shape), ...kv] as unknown as Heads
  }

  out(weight: string, heads: Heads, mask: string): string {
    return this.#matmul(attendedNode(this.graph, heads, mask, this.shape), weight)
  }

  mlp(name: string, x: string): string {
    const up = this.#matmul(this.norm(x, `${name}.mlp_norm`), `${name}.up`)
    return this.add(x, this.#matmul(geluNode(this.graph, up), `${name}.down`))
  }

  /** 0 where a token may look at what was said before it, a large negative number at what comes after. */
  future(past: string): string {
    const { graph } = this
    const total = this.add(past, this.lengthOf('input_ids', 1))
    const one = graph.ints([1], [])
    const columns = graph.node('Range', [graph.ints([0], []), total, one])
    const rows = graph.node('Unsqueeze', [graph.node('Range', [past, total, one]), graph.ints([1])])
    const seen = graph.node('LessOrEqual', [columns, rows])
    return graph.node('Where', [seen, graph.scalar(0), graph.scalar(-1e9)])
  }

  lengthOf(value: string, axis: number): string {
    return this.graph.node('Squeeze', [this.graph.node('Shape', [value], { start: axis, end: axis + 1 })])
  }

  norm(x: string, gain: string): string {
    return layerNormNode(this.graph, x, this.#weight(gain), this.shape.epsilon)
  }

  add(a: string, b: string): string {
    return this.graph.node('Add', [a, b])
  }

  #cut(x: string, sizes: readonly number[]): string[] {
    const parts = this.graph.nodes('Split', [x, this.graph.ints(sizes)], sizes.length, { axis: 2 })
    return parts.map((part) => byHeadNode(this.graph, part, this.shape))
  }

  #matmul(x: string, weight: string): string {
    return this.graph.node('MatMul', [x, this.#weight(weight)])
  }

  #weight(name: string): string {
    const { parameters, weights } = this
    return this.graph.floats(
      parameters.view(weights, name),
      parameters.shapeOf(name),
      'float16',
      `model.${name}`,
    )
  }
}

type Of = 'decoder' | 'encoder'
type Part = 'key' | 'value'

class Caches {
  readonly #declared = new Set<string>()

  constructor(
    readonly graph: Graph,
    readonly shape: Shape,
  ) {}

  /** What earlier runs left. */
  past(layer: number, of: Of, part: Part): string {
    const name = `past_key_values.${layer}.${of}.${part}`
    if (this.#declared.has(name)) return name
    this.#declared.add(name)
    return this.graph.input(name, 'float32', this.#dims(`past_${of}_sequence_length`))
  }

  /** Appends what this run computed, and hands both on. */
  longer(layer: number, of: Of, part: Part, fresh: string): string {
    const all = this.graph.node('Concat', [this.past(layer, of, part), fresh], { axis: 2 })
    const dims = this.#dims(`total_${of}_sequence_length`)
    this.graph.output(all, `present.${layer}.${of}.${part}`, 'float32', dims)
    return all
  }

  #dims(length: string) {
    const { heads, width } = this.shape
    return ['batch_size', heads, length, width / heads]
  }
}
