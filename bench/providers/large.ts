import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { decoderGraph } from '../../pods/chat/train/decoder.ts'
import { parametersOf, type Shape } from '../../pods/chat/train/model.ts'
import { Random } from '../../pods/training/random.ts'
import { type Cache, Decoder } from '../../worker/engines/chat/decoder.ts'
import type { Provider } from '../../worker/engines/engine.ts'
import { type Figure, figure } from '../figure.ts'

/**
 * A decoder of GPT-2's size, in the layout and through the code that serve the chat pod. Its weights are drawn and it
 * knows nothing: the work is the same. It shows from which size on a GPU pays, which the shipped pods are too small for.
 */
const SHAPE: Shape = {
  vocabulary: 8192,
  width: 768,
  layers: 12,
  heads: 12,
  inner: 2048,
  context: 2048,
  theta: 10_000,
  epsilon: 1e-5,
}
const SEED = 1
/** Tokens of the prompt, and tokens drawn after it. */
const PROMPT = 512
const DRAWN = 32
const ROUNDS = 5

interface Speed {
  readonly prefill: number
  readonly decode: number
  readonly logits: Float32Array
}

export async function largeFigures(gpus: readonly Provider[]): Promise<Figure[]> {
  const parameters = parametersOf(SHAPE)
  const folder = await mkdtemp(join(tmpdir(), 'heurist-large-'))
  try {
    const file = join(folder, 'model.onnx')
    process.stderr.write(`drawing ${parameters.size} weights, seed ${SEED}\n`)
    await writeFile(file, decoderGraph(SHAPE, parameters, parameters.start(new Random(SEED))))
    const cpu = await speedOn('cpu', file)
    const figures = [
      figure('providers.large_parameters', parameters.size, 'weights'),
      figure('providers.large_prefill_cpu', cpu.prefill, 'tokens/s'),
      figure('providers.large_decode_cpu', cpu.decode, 'tokens/s'),
    ]
    for (const provider of gpus) {
      const gpu = await speedOn(provider, file)
      const distance = Math.max(...gpu.logits.map((value, i) => Math.abs(value - (cpu.logits[i] ?? 0))))
      figures.push(
        figure(`providers.large_prefill_${provider}`, gpu.prefill, 'tokens/s', named(cpu.prefill)),
        figure(`providers.large_decode_${provider}`, gpu.decode, 'tokens/s', named(cpu.decode)),
        figure(`providers.large_${provider}_distance`, distance, 'logit'),
      )
    }
    return figures
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const named = (value: number) => ({ name: 'cpu', value })

async function speedOn(provider: Provider, file: string): Promise<Speed> {
  const decoder = await Decoder.open(file, { executionProviders: [provider], logSeverityLevel: 3 })
  try {
    const random = new Random(SEED)
    const prompt = Array.from({ length: PROMPT }, () => random.int(SHAPE.vocabulary))
    await round(decoder, prompt)
    const rounds: Awaited<ReturnType<typeof round>>[] = []
    for (let i = 0; i < ROUNDS; i++) rounds.push(await round(decoder, prompt))
    return {
      prefill: Math.round(PROMPT / median(rounds.map(({ prefillS }) => prefillS))),
      decode: Math.round((10 * DRAWN) / median(rounds.map(({ decodeS }) => decodeS))) / 10,
      logits: rounds[0]?.logits ?? new Float32Array(),
    }
  } finally {
    await decoder.close()
  }
}

/** One prompt read, then tokens one by one: always the prompt's own, so that every provider does the same work. */
async function round(decoder: Decoder, prompt: readonly number[]) {
  const cache: Cache = decoder.newCache()
  const started = performance.now()
  const logits = (await decoder.read(prompt, cache, async () => true))?.slice() ?? new Float32Array()
  const read = performance.now()
  for (const token of prompt.slice(0, DRAWN)) await decoder.read([token], cache, async () => true)
  return { prefillS: (read - started) / 1000, decodeS: (performance.now() - read) / 1000, logits }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
