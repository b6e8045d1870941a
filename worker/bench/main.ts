import { fileURLToPath } from 'node:url'
import { InferenceSession, Tensor } from '../engines/onnx.ts'

/**
 * `main.ts <provider>`: whether ONNX Runtime really loads this provider here, and how fast it multiplies. In a process
 * of its own, because a broken driver may take its process with it. Prints one line of JSON.
 */

const SIZE = 512
/** Operations of one product: a multiplication and an addition per term. */
const FLOPS = 2 * SIZE ** 3
const MEASURE_MS = 300

async function multiply(provider: string): Promise<number> {
  const model = fileURLToPath(new URL('./matmul.onnx', import.meta.url))
  const session = await InferenceSession.create(model, {
    executionProviders: [provider],
    logSeverityLevel: 4,
  })
  const values = Float32Array.from({ length: SIZE * SIZE }, (_, at) => (at % 7) - 3)
  const matrix = new Tensor('float32', values, [SIZE, SIZE])
  const run = () => session.run({ a: matrix, b: matrix })
  await run()
  let bestMs = Number.POSITIVE_INFINITY
  const started = performance.now()
  while (performance.now() - started < MEASURE_MS) {
    const before = performance.now()
    await run()
    bestMs = Math.min(bestMs, performance.now() - before)
  }
  return FLOPS / bestMs / 1e6
}

const provider = process.argv[2] ?? 'cpu'
try {
  const gflops = Math.round((await multiply(provider)) * 10) / 10
  console.log(JSON.stringify({ provider, gflops }))
} catch (cause) {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
  // The reason comes last; before it, the runtime names its own source lines.
  const error = line.length > 160 ? `… ${line.slice(-120)}` : line
  console.log(JSON.stringify({ provider, error }))
}
