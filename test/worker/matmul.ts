import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Graph } from '../../pods/training/graph.ts'

/** Writes `worker/bench/matmul.onnx`: one matrix product, sizes free. Run this file to write it anew. */
export const MATMUL_FILE = new URL('../../worker/bench/matmul.onnx', import.meta.url)

export function matmulModel(): Uint8Array {
  const graph = new Graph('matmul')
  graph.input('a', 'float32', ['rows', 'inner'])
  graph.input('b', 'float32', ['inner', 'columns'])
  graph.output(graph.node('MatMul', ['a', 'b']), 'product', 'float32', ['rows', 'columns'])
  return graph.encode()
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(MATMUL_FILE, matmulModel())
}
