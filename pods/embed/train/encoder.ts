import { headWidth, inverseFrequencies, type Shape } from '../../chat/train/model.ts'
import { attendedNode, byHeadNode, geluNode, layerNormNode, paddingNode } from '../../training/attention.ts'
import { dataTypeOf, Graph } from '../../training/graph.ts'
import type { Parameters } from '../../training/parameters.ts'

/**
 * The trained weights as the graph that serves: `input_ids, attention_mask → last_hidden_state`, every dimension but
 * the width open. Weights are stored as float16 and computed in float32.
 */
export function encoderGraph(shape: Shape, parameters: Parameters, weights: Float32Array): Uint8Array {
  const graph = new Graph('sentence_encoder')
  const { width, inner, epsilon } = shape
  const weight = (name: string) =>
    graph.floats(parameters.view(weights, name), parameters.shapeOf(name), 'float16', `model.${name}`)
  const norm = (x: string, gain: string) => layerNormNode(graph, x, weight(gain), epsilon)
  const add = (a: string, b: string) => graph.node('Add', [a, b])

  graph.input('input_ids', 'int64', ['batch_size', 'sequence_length'])
  graph.input('attention_mask', 'int64', ['batch_size', 'sequence_length'])
  const mask = paddingNode(graph, 'attention_mask', dataTypeOf('float32'))
  const turned = rotaryOf(graph, shape)
  let x = norm(graph.node('Gather', [weight('table'), 'input_ids'], { axis: 0 }), 'table_norm')
  for (let i = 0; i < shape.layers; i++) {
    const read = i === 0 ? x : norm(x, `${i}.attn_norm`)
    const qkv = graph.node('MatMul', [read, weight(`${i}.qkv`)])
    const parts = graph.nodes('Split', [qkv, graph.ints([width, width, width])], 3, { axis: 2 })
    const [q, k, v] = parts.map((part) => byHeadNode(graph, part, shape)) as [string, string, string]
    const mixed = attendedNode(graph, [turned(q), turned(k), v], mask, shape)
    x = add(x, graph.node('MatMul', [mixed, weight(`${i}.attn_out`)]))
    const both = graph.node('MatMul', [norm(x, `${i}.mlp_norm`), weight(`${i}.up_gate`)])
    const halves = graph.nodes('Split', [both, graph.ints([inner, inner])], 2, { axis: 2 })
    const [up, gate] = halves as [string, string]
    const bent = graph.node('Mul', [geluNode(graph, up), gate])
    x = add(x, graph.node('MatMul', [bent, weight(`${i}.down`)]))
  }
  const last = ['batch_size', 'sequence_length', width]
  graph.output(norm(x, 'norm'), 'last_hidden_state', 'float32', last)
  return graph.encode()
}

/** Turns queries and keys by their position, which is computed here so that no length is built in. */
function rotaryOf(graph: Graph, shape: Shape): (x: string) => string {
  const frequencies = inverseFrequencies(shape)
  const half = headWidth(shape) / 2
  const length = graph.node('Squeeze', [graph.node('Shape', ['input_ids'], { start: 1, end: 2 })])
  const places = graph.node('Range', [graph.ints([0], []), length, graph.ints([1], [])])
  const column = graph.node('Unsqueeze', [
    graph.node('Cast', [places], { to: dataTypeOf('float32') }),
    graph.ints([1]),
  ])
  const first = graph.node('Mul', [column, graph.floats(frequencies, [1, half])])
  const angles = graph.node('Concat', [first, first], { axis: 1 })
  const [cos, sin] = [graph.node('Cos', [angles]), graph.node('Sin', [angles])]
  return (x) => {
    const halves = graph.nodes('Split', [x, graph.ints([half, half])], 2, { axis: 3 })
    const [head, tail] = halves as [string, string]
    const rotated = graph.node('Concat', [graph.node('Neg', [tail]), head], { axis: 3 })
    return graph.node('Add', [graph.node('Mul', [x, cos]), graph.node('Mul', [rotated, sin])])
  }
}
