import { dataTypeOf, Graph } from '../../training/graph.ts'
import type { Parameters } from '../../training/parameters.ts'
import { headWidth, inverseFrequencies, type Shape } from './model.ts'

/**
 * The trained weights as the graph that serves: a decoder with key and value caches, in the names and dynamic
 * dimensions of the `onnx-community` exports. Weights are stored as float16 and computed in float32.
 */
export function decoderGraph(shape: Shape, parameters: Parameters, weights: Float32Array): Uint8Array {
  return new Decoder(shape, parameters, weights).encode()
}

class Decoder {
  readonly #graph = new Graph('chat_decoder')
  readonly #tables: { cos: string; sin: string; mask: string; table: string }

  constructor(
    readonly shape: Shape,
    readonly parameters: Parameters,
    readonly weights: Float32Array,
  ) {
    const graph = this.#graph
    graph.input('input_ids', 'int64', ['batch_size', 'sequence_length'])
    graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length'])
    graph.input('position_ids', 'int64', ['batch_size', 'sequence_length'])
    this.#tables = { ...this.#rotary(), mask: this.#mask(), table: this.#weight('table') }
  }

  encode(): Uint8Array {
    const { shape } = this
    const graph = this.#graph
    let x = graph.node('Gather', [this.#tables.table, 'input_ids'], { axis: 0 })
    for (let i = 0; i < shape.layers; i++) {
      x = this.#add(x, this.#attention(i, this.#norm(x, `${i}.attention_norm`)))
      x = this.#add(x, this.#mlp(i, this.#norm(x, `${i}.mlp_norm`)))
    }
    const head = graph.node('Transpose', [this.#tables.table], { perm: [1, 0] })
    const logits = graph.node('MatMul', [this.#norm(x, 'norm'), head])
    graph.output(logits, 'logits', 'float32', ['batch_size', 'sequence_length', shape.vocabulary])
    return graph.encode()
  }

  #attention(layer: number, x: string): string {
    const { width, heads } = this.shape
    const size = headWidth(this.shape)
    const graph = this.#graph
    const qkv = graph.node('MatMul', [x, this.#weight(`${layer}.qkv`)])
    const parts = graph.nodes('Split', [qkv, graph.ints([width, width, width])], 3, { axis: 2 })
    const [q, k, v] = parts.map((part) => {
      const cut = graph.node('Reshape', [part, graph.ints([0, 0, heads, size])])
      return graph.node('Transpose', [cut], { perm: [0, 2, 1, 3] })
    }) as [string, string, string]
    const keys = this.#cached(layer, 'key', this.#turned(k))
    const values = this.#cached(layer, 'value', v)
    const across = graph.node('Transpose', [keys], { perm: [0, 1, 3, 2] })
    const product = graph.node('MatMul', [this.#turned(q), across])
    const scores = this.#add(graph.node('Mul', [product, graph.scalar(size ** -0.5)]), this.#tables.mask)
    const shares = graph.node('Softmax', [scores], { axis: -1 })
    const mixed = graph.node('Transpose', [graph.node('MatMul', [shares, values])], { perm: [0, 2, 1, 3] })
    const joined = graph.node('Reshape', [mixed, graph.ints([0, 0, width])])
    return graph.node('MatMul', [joined, this.#weight(`${layer}.attention_out`)])
  }

  #mlp(layer: number, x: string): string {
    const { inner } = this.shape
    const graph = this.#graph
    const both = graph.node('MatMul', [x, this.#weight(`${layer}.gate_up`)])
    const parts = graph.nodes('Split', [both, graph.ints([inner, inner])], 2, { axis: 2 })
    const [gate, up] = parts as [string, string]
    const silu = graph.node('Mul', [gate, graph.node('Sigmoid', [gate])])
    return graph.node('MatMul', [graph.node('Mul', [silu, up]), this.#weight(`${layer}.down`)])
  }

  /** Appends what this run computed to what earlier runs did, and hands both on. */
  #cached(layer: number, kind: 'key' | 'value', fresh: string): string {
    const { heads } = this.shape
    const size = headWidth(this.shape)
    const past = this.#graph.input(`past_key_values.${layer}.${kind}`, 'float32', [
      'batch_size',
      heads,
      'past_sequence_length',
      size,
    ])
    const all = this.#graph.node('Concat', [past, fresh], { axis: 2 })
    const present = ['batch_size', heads, 'total_sequence_length', size]
    this.#graph.output(all, `present.${layer}.${kind}`, 'float32', present)
    return all
  }

  #norm(x: string, gain: string): string {
    const graph = this.#graph
    const square = graph.node('ReduceMean', [graph.node('Mul', [x, x]), graph.ints([-1])], { keepdims: 1 })
    const root = graph.node('Sqrt', [this.#add(square, graph.scalar(this.shape.epsilon))])
    return graph.node('Mul', [graph.node('Div', [x, root]), this.#weight(gain)])
  }

  #turned(x: string): string {
    const half = headWidth(this.shape) / 2
    const graph = this.#graph
    const halves = graph.nodes('Split', [x, graph.ints([half, half])], 2, { axis: 3 })
    const [first, second] = halves as [string, string]
    const rotated = graph.node('Concat', [graph.node('Neg', [second]), first], { axis: 3 })
    return this.#add(graph.node('Mul', [x, this.#tables.cos]), graph.node('Mul', [rotated, this.#tables.sin]))
  }

  /** Cosine and sine of every token's position, computed here so that no length is built in. */
  #rotary(): { cos: string; sin: string } {
    const graph = this.#graph
    const frequencies = inverseFrequencies(this.shape)
    const positions = graph.node('Cast', ['position_ids'], { to: dataTypeOf('float32') })
    const column = graph.node('Unsqueeze', [positions, graph.ints([1, 3])])
    const half = graph.node('Mul', [column, graph.floats(frequencies, [1, 1, 1, frequencies.length])])
    const angles = graph.node('Concat', [half, half], { axis: 3 })
    return { cos: graph.node('Cos', [angles]), sin: graph.node('Sin', [angles]) }
  }

  /** 0 where a token may look, a large negative number at padding and at the future. */
  #mask(): string {
    const graph = this.#graph
    const length = (of: string) => graph.node('Squeeze', [graph.node('Shape', [of], { start: 1, end: 2 })])
    const total = length('attention_mask')
    const first = graph.node('Sub', [total, length('input_ids')])
    const one = graph.ints([1], [])
    const columns = graph.node('Range', [graph.ints([0], []), total, one])
    const rows = graph.node('Unsqueeze', [graph.node('Range', [first, total, one]), graph.ints([1])])
    const seen = graph.node('LessOrEqual', [columns, rows])
    const present = graph.node('Cast', ['attention_mask'], { to: dataTypeOf('bool') })
    const allowed = graph.node('And', [seen, graph.node('Unsqueeze', [present, graph.ints([1, 2])])])
    return graph.node('Where', [allowed, graph.scalar(0), graph.scalar(-1e9)])
  }

  #add(a: string, b: string): string {
    return this.#graph.node('Add', [a, b])
  }

  #weight(name: string): string {
    return this.#graph.floats(
      this.parameters.view(this.weights, name),
      this.parameters.shapeOf(name),
      'float16',
      `model.${name}`,
    )
  }
}
