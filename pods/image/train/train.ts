/**
 * Trains the image pod's two networks together and writes a checkpoint.
 *
 * node --import tsx pods/image/train/train.ts [steps] [folder] [stop after]
 *
 * Rectified flow: x_t = (1 - t) x + t ε. The network names the clean picture x, and the error is weighed as an
 * error of velocity, 1 / t². Everything is drawn from the printed seed; a run cut short resumes from its checkpoint.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Vocabulary } from '../../../worker/engines/image/words.ts'
import { Tensor } from '../../../worker/engines/onnx.ts'
import { Random } from '../../training/random.ts'
import type { Tape, Value } from '../../training/tape.ts'
import { ADAMW, Average, cosineRate, Trainer } from '../../training/trainer.ts'
import { draw, SIDE } from './draw.ts'
import { type Combination, drawForTraining, POSITIONS } from './family.ts'
import { denoise, encodeText, parametersOf, type Shape, shapeFor } from './model.ts'
import { drawUnsaid, phrase, TRAINING_SENTENCES, terse, vocabulary } from './phrase.ts'

const SEED = 7
const BATCH = 16
const PEAK_RATE = 1.5e-3
const SILENT_SHARE = 0.1
/**
 * Noise levels are 4u / (1 + 3u) of an even u, half of them above 0.8. A plain ground is thousands of equal pixels, so
 * it shows through almost any noise; only near level 1 must the model go by the words, and that is what it is to learn.
 */
const LEVEL_SHIFT = 4
/** Below this level the weight of an error no longer grows. */
const LEAST_LEVEL = 0.5
/** Errors count this much more in the quarter of the picture where the prompt wants its shape. */
const FOCUS = 4
const THREADS = 2

/** The vocabulary of the family: silence is 0, then every word in alphabetical order. */
export const idsOfWords = (): Record<string, number> =>
  Object.fromEntries(vocabulary().map((word, i) => [word, i + 1]))

function loss(shape: Shape) {
  return (tape: Tape, weight: (name: string) => Value): Value => {
    const picture = [BATCH, 3, shape.side, shape.side]
    const text = encodeText(tape, weight, shape, tape.indices('ids', [BATCH, shape.words]))
    const guess = denoise(tape, weight, shape, tape.data('noisy', picture), tape.data('level', [BATCH]), text)
    const error = tape.sub(guess, tape.data('clean', picture))
    const weighed = tape.mul(tape.mul(error, error), tape.data('weight', [BATCH, 1, shape.side, shape.side]))
    return tape.mean(weighed, [0, 1, 2, 3])
  }
}

/** One batch of pictures, prompts, noise and noise levels, all from `random`. */
function drawBatch(random: Random, words: Vocabulary, shape: Shape): Record<string, Tensor> {
  const pixels = 3 * SIDE * SIDE
  const clean = new Float32Array(BATCH * pixels)
  const noisy = new Float32Array(BATCH * pixels)
  const level = new Float32Array(BATCH)
  const weight = new Float32Array(BATCH * SIDE * SIDE)
  const ids = new BigInt64Array(BATCH * shape.words)
  for (let b = 0; b < BATCH; b++) {
    const combination = drawForTraining(random)
    clean.set(draw(combination, random), b * pixels)
    const prompt = terse(phrase(combination, TRAINING_SENTENCES, random, drawUnsaid(random)), random)
    if (!random.chance(SILENT_SHARE)) ids.set(words.encode(prompt).map(BigInt), b * shape.words)
    const even = random.uniform()
    const t = (LEVEL_SHIFT * even) / (1 + (LEVEL_SHIFT - 1) * even)
    level[b] = t
    focus(
      weight.subarray(b * SIDE * SIDE, (b + 1) * SIDE * SIDE),
      combination,
      1 / Math.max(t, LEAST_LEVEL) ** 2,
    )
    for (let i = b * pixels; i < (b + 1) * pixels; i++)
      noisy[i] = (1 - t) * (clean[i] ?? 0) + t * random.normal()
  }
  const dims = [BATCH, 3, SIDE, SIDE]
  return {
    clean: new Tensor('float32', clean, dims),
    noisy: new Tensor('float32', noisy, dims),
    level: new Tensor('float32', level, [BATCH]),
    weight: new Tensor('float32', weight, [BATCH, 1, SIDE, SIDE]),
    ids: new Tensor('int64', ids, [BATCH, shape.words]),
  }
}

/** Fills one picture's weights; where they are high follows from the prompt alone, so they bend no expectation. */
function focus(weight: Float32Array, { position }: Combination, base: number): void {
  const [x, y] = POSITIONS[position]
  for (let pixel = 0; pixel < weight.length; pixel++) {
    const [column, row] = [(pixel % SIDE) / SIDE, Math.floor(pixel / SIDE) / SIDE]
    const near = Math.abs(column - x) < 0.25 && Math.abs(row - y) < 0.25
    weight[pixel] = near ? FOCUS * base : base
  }
}

async function train(steps: number, folder: string, last: number): Promise<void> {
  const ids = idsOfWords()
  const words = new Vocabulary(ids)
  const shape = shapeFor(1 + Object.keys(ids).length)
  const parameters = parametersOf(shape)
  console.log(JSON.stringify({ seed: SEED, steps, batch: BATCH, parameters: parameters.size, shape }))
  await mkdir(folder, { recursive: true })
  const trainer = new Trainer(parameters, parameters.start(new Random(SEED)), { ...ADAMW, decay: 0.01 })
  const average = new Average(trainer.weights, 0.998)
  const files = { state: join(folder, 'state.bin'), average: join(folder, 'average.bin') }
  const saved = await readFile(files.state).catch(() => undefined)
  if (saved !== undefined) {
    trainer.restore(saved)
    average.weights.set(new Float32Array((await readFile(files.average)).slice().buffer))
  }
  const step = await trainer.shape(loss(shape), THREADS)
  let sum = 0
  let count = 0
  let since = Date.now()
  for (let i = trainer.steps; i < last; i++) {
    // A batch depends on its number alone, so a resumed run sees what an uninterrupted one would have seen.
    const batch = drawBatch(new Random(SEED * 1_000_003 + i), words, shape)
    const done = await step(batch, cosineRate(i, steps, PEAK_RATE, 100))
    average.add(trainer.weights)
    sum += done.loss
    count++
    if ((i + 1) % 50 === 0) {
      const ms = (Date.now() - since) / count
      console.log(
        JSON.stringify({
          step: i + 1,
          loss: Number((sum / count).toFixed(4)),
          norm: Number(done.norm.toFixed(3)),
          ms: Math.round(ms),
        }),
      )
      sum = 0
      count = 0
      since = Date.now()
    }
    if ((i + 1) % 250 === 0 || i + 1 === last) {
      await writeFile(files.state, trainer.checkpoint())
      await writeFile(files.average, new Uint8Array(average.weights.buffer))
    }
  }
}

if (import.meta.filename === process.argv[1]) {
  const steps = Number(process.argv[2] ?? 7500)
  await train(steps, process.argv[3] ?? '.data/pods/image', Number(process.argv[4] ?? steps))
}
