import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import sharp from 'sharp'
import * as chat from '../pods/chat/score.ts'
import * as embed from '../pods/embed/score.ts'
import * as image from '../pods/image/score.ts'
import { SIDE } from '../pods/image/train/draw.ts'
import { TRAINING_SENTENCES } from '../pods/image/train/phrase.ts'
import * as translate from '../pods/translate/score.ts'
import { type PodKind, parseManifest } from '../sdk/protocol/manifest.ts'
import { measureProvider, PROVIDERS } from '../worker/bench.ts'
import { DRAW_BYTES } from '../worker/engines/chat/evidence.ts'
import type { Engine, Provider } from '../worker/engines/engine.ts'
import { loaderOf } from '../worker/engines/index.ts'
import { type Figure, figure } from './figure.ts'
import { largeFigures } from './providers/large.ts'

/**
 * What a GPU gives on this machine, beside its CPU in the same run: the shipped pods through the engines that workers
 * run, on every execution provider that loads. How fast, how often the answer is the CPU's to the last byte, and how far
 * its evidence is from the CPU's, which is what a verifier's tolerance has to cover. Last, a decoder of a size that wants a
 * GPU.
 */
const PODS = join(import.meta.dirname, '..', 'pods')

/** Not timed: a GPU prepares its kernels for the first shapes that come. */
const WARM = 5

interface Job {
  readonly input: Uint8Array
  /** What the job amounts to, where the engine counts none: texts of an embedding. */
  readonly units?: number
}

interface Answer {
  readonly bytes: Buffer
  readonly evidence: Uint8Array
  readonly perSecond: number
}

interface Subject {
  readonly kind: PodKind
  readonly unit: string
  readonly jobs: () => Job[]
  /** How far one answer is from the CPU's. */
  readonly distance: (answer: Answer, cpu: Answer) => Promise<number> | number
  readonly distanceUnit: string
}

const job = (request: unknown, units?: number): Job => ({
  input: new TextEncoder().encode(JSON.stringify(request)),
  ...(units === undefined ? {} : { units }),
})

const SUBJECTS: readonly Subject[] = [
  {
    kind: 'chat',
    unit: 'tokens/s',
    jobs: () =>
      every(chat.heldQuestions(), 100).map(({ question }) =>
        job({ messages: [{ role: 'user', content: question }] }),
      ),
    distance: logprobDistance,
    distanceUnit: 'log-probability',
  },
  {
    kind: 'translate',
    unit: 'tokens/s',
    jobs: () =>
      every(translate.heldPhrases(), 100).map(({ source, from, to }) => job({ text: source, from, to })),
    distance: logprobDistance,
    distanceUnit: 'log-probability',
  },
  {
    kind: 'embed',
    unit: 'texts/s',
    jobs: () =>
      every(embed.heldOutPairs(), 50).map(({ one, others }) =>
        job({ input: [one, ...others] }, 1 + others.length),
      ),
    distance: vectorDistance,
    distanceUnit: 'of the vector’s length',
  },
  {
    kind: 'image',
    unit: 'steps/s',
    jobs: () =>
      image
        .heldOutPrompts(25, TRAINING_SENTENCES)
        .map(({ prompt }, seed) => job({ prompt, seed, size: `${SIDE}x${SIDE}` })),
    distance: pixelDistance,
    distanceUnit: 'of 255, one channel of one pixel',
  },
]

export async function run(): Promise<Figure[]> {
  const speeds = await loadable()
  const cpu = speeds.get('cpu')
  if (cpu === undefined)
    throw new Error('ONNX Runtime does not load its CPU provider here; nothing was measured.')
  const gpus = [...speeds.keys()].filter((one) => one !== 'cpu')
  if (gpus.length === 0) process.stderr.write('no GPU provider loads here: the figures are the CPU alone\n')
  const figures = [...speeds].map(([provider, gflops]) =>
    figure(`providers.matmul_${provider}`, gflops, 'Gflop/s', { name: 'cpu', value: cpu }),
  )
  for (const subject of SUBJECTS) figures.push(...(await figuresOf(subject, gpus)))
  return [...figures, ...(await largeFigures(gpus))]
}

/** Each provider in a process of its own first: a broken driver may take its process with it. */
async function loadable(): Promise<Map<Provider, number>> {
  const speeds = new Map<Provider, number>()
  for (const provider of PROVIDERS) {
    const measured = await measureProvider(provider)
    if ('gflops' in measured) speeds.set(provider, measured.gflops)
    else process.stderr.write(`${provider}: ${measured.error}\n`)
  }
  return speeds
}

async function figuresOf(subject: Subject, gpus: readonly Provider[]): Promise<Figure[]> {
  const { kind, unit } = subject
  const base = await answersOn('cpu', subject)
  const baseline = { name: 'cpu', value: speedOf(base) }
  const figures = [figure(`providers.${kind}_cpu`, baseline.value, unit)]
  for (const provider of gpus) {
    const answers = await answersOn(provider, subject)
    const same = answers.filter(({ bytes }, i) => base[i]?.bytes.equals(bytes)).length
    const distances = await Promise.all(
      answers.map((answer, i) => subject.distance(answer, base[i] as Answer)),
    )
    figures.push(
      figure(`providers.${kind}_${provider}`, speedOf(answers), unit, baseline),
      figure(
        `providers.${kind}_${provider}_same_bytes`,
        Math.round((1000 * same) / answers.length) / 10,
        '%',
      ),
      figure(`providers.${kind}_${provider}_distance`, Math.max(...distances), subject.distanceUnit),
    )
  }
  return figures
}

async function answersOn(provider: Provider, { kind, jobs }: Subject): Promise<Answer[]> {
  const folder = join(PODS, kind)
  const manifest = parseManifest(await readFile(join(folder, 'pod.yaml')))
  const load = await loaderOf(kind)
  const started = performance.now()
  const engine = await load(folder, {
    ...manifest,
    resources: { ...manifest.resources, providers: [provider] },
  })
  process.stderr.write(
    `${kind} on ${engine.provider}: loaded in ${Math.round(performance.now() - started)} ms\n`,
  )
  try {
    const all = jobs()
    for (const one of all.slice(0, WARM)) await answer(engine, one)
    const answers: Answer[] = []
    for (const one of all) answers.push(await answer(engine, one))
    return answers
  } finally {
    await engine.close()
  }
}

async function answer(engine: Engine, { input, units }: Job): Promise<Answer> {
  const parts: Uint8Array[] = []
  const started = performance.now()
  const work = await engine.run(input, {
    emit: (bytes) => void parts.push(bytes),
    signal: new AbortController().signal,
  })
  const seconds = (performance.now() - started) / 1000
  const count = units ?? Number(work.unitsOut)
  return { bytes: Buffer.concat(parts), evidence: work.evidence, perSecond: count / seconds }
}

/** The median job's. */
function speedOf(answers: readonly Answer[]): number {
  const sorted = answers.map(({ perSecond }) => perSecond).sort((a, b) => a - b)
  return Math.round(sorted[sorted.length >> 1] ?? 0)
}

/** The largest difference of a drawn token's log-probability, up to the first token that differs. */
function logprobDistance(one: Answer, other: Answer): number {
  const [a, b] = [drawsOf(one.evidence), drawsOf(other.evidence)]
  const differs = a.findIndex(({ token }, i) => token !== b[i]?.token)
  const shared = a.slice(0, differs < 0 ? undefined : differs)
  return Math.max(0, ...shared.map(({ logprob }, i) => Math.abs(logprob - (b[i]?.logprob ?? 0))))
}

function drawsOf(evidence: Uint8Array): { token: number; logprob: number }[] {
  const view = new DataView(evidence.buffer, evidence.byteOffset, evidence.byteLength)
  const draws = []
  // The header is shorter than one draw.
  for (let at = evidence.length % DRAW_BYTES; at < evidence.length; at += DRAW_BYTES) {
    draws.push({ token: view.getUint32(at), logprob: view.getFloat32(at + 4) })
  }
  return draws
}

/** ‖a − b‖ / ‖b‖ of the furthest pair. */
function vectorDistance(one: Answer, other: Answer): number {
  const vectors = ({ bytes }: Answer) =>
    (JSON.parse(bytes.toString()) as { embeddings: number[][] }).embeddings
  const [a, b] = [vectors(one), vectors(other)]
  const far = b.map((vector, i) => {
    const gap = Math.hypot(...vector.map((value, k) => value - (a[i]?.[k] ?? 0)))
    return gap / Math.hypot(...vector)
  })
  return Math.max(...far)
}

async function pixelDistance(one: Answer, other: Answer): Promise<number> {
  const [a, b] = await Promise.all([one, other].map(({ bytes }) => sharp(bytes).raw().toBuffer()))
  return (a ?? Buffer.of()).reduce((most, value, i) => Math.max(most, Math.abs(value - (b?.[i] ?? 0))), 0)
}

/** `count` of them, evenly spread, in order. */
function every<T>(all: readonly T[], count: number): T[] {
  const step = all.length / count
  return Array.from({ length: count }, (_, i) => all[Math.floor(i * step)] as T)
}
