import type { Graph } from './graph.ts'
import type { Tape, Value } from './tape.ts'

/** How one batch is laid out: `rows` sentences, each padded to the same number of tokens. */
export interface Layout {
  readonly rows: number
  readonly heads: number
  readonly width: number
}

/** [rows·time, width] as [rows, heads, time, width / heads]. */
export function byHead(tape: Tape, x: Value, { rows, heads, width }: Layout): Value {
  const time = (x.shape[0] ?? 0) / rows
  return tape.transpose(tape.reshape(x, [rows, time, heads, width / heads]), [0, 2, 1, 3])
}

/**
 * Scaled dot-product attention over heads that are cut already; `mask` is added to the scores and broadcasts to
 * [rows, heads, asking, asked]: 0 where a token may look, a large negative number where not.
 *
 * @returns [rows·asking, width].
 */
export function attended(
  tape: Tape,
  [query, key, value]: readonly [Value, Value, Value],
  mask: Value,
  { rows, heads, width }: Layout,
): Value {
  const asking = query.shape[2] ?? 0
  const across = tape.transpose(key, [0, 1, 3, 2])
  const scores = tape.scale(tape.matmul(query, across), (width / heads) ** -0.5)
  const mixed = tape.matmul(tape.softmax(tape.add(scores, mask)), value)
  return tape.reshape(tape.transpose(mixed, [0, 2, 1, 3]), [rows * asking, width])
}

/** The same cut in a graph that serves, where rows and time are open. */
export function byHeadNode(graph: Graph, x: string, { heads, width }: Omit<Layout, 'rows'>): string {
  const cut = graph.node('Reshape', [x, graph.ints([0, 0, heads, width / heads])])
  return graph.node('Transpose', [cut], { perm: [0, 2, 1, 3] })
}

/** The same attention in a graph that serves; gives [batch, asking, width]. */
export function attendedNode(
  graph: Graph,
  [query, key, value]: readonly [string, string, string],
  mask: string,
  { heads, width }: Omit<Layout, 'rows'>,
): string {
  const across = graph.node('Transpose', [key], { perm: [0, 1, 3, 2] })
  const product = graph.node('MatMul', [query, across])
  const scaled = graph.node('Mul', [product, graph.scalar((width / heads) ** -0.5)])
  const shares = graph.node('Softmax', [graph.node('Add', [scaled, mask])], { axis: -1 })
  const mixed = graph.node('Transpose', [graph.node('MatMul', [shares, value])], { perm: [0, 2, 1, 3] })
  return graph.node('Reshape', [mixed, graph.ints([0, 0, width])])
}

/** (x − mean) / √(variance + ε) over the last axis in a graph that serves, times a gain. */
export function layerNormNode(graph: Graph, x: string, gain: string, epsilon: number): string {
  return graph.node('LayerNormalization', [x, gain], { axis: -1, epsilon: { float: epsilon } })
}

/** x·Φ(x) in a graph that serves: the exact form with erf. */
export function geluNode(graph: Graph, x: string): string {
  const erf = graph.node('Erf', [graph.node('Mul', [x, graph.scalar(Math.SQRT1_2)])])
  const cdf = graph.node('Mul', [graph.node('Add', [erf, graph.scalar(1)]), graph.scalar(0.5)])
  return graph.node('Mul', [x, cdf])
}

/** 0 at tokens that are there (1 in a [batch, time] mask), a large negative number at padding: [batch, 1, 1, time]. */
export function paddingNode(graph: Graph, mask: string, cast: number): string {
  const present = graph.node('Cast', [graph.node('Unsqueeze', [mask, graph.ints([1, 2])])], { to: cast })
  return graph.node('Mul', [graph.node('Sub', [graph.scalar(1), present]), graph.scalar(-1e9)])
}
