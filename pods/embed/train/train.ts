/**
 * Makes the embed pod's model from nothing but a seed: pairs, vocabulary, weights, folder.
 *
 *   node --import tsx pods/embed/train/train.ts --steps 2500 --work .data/train-embed [--resume]
 *
 * Every figure that decides the result is printed first. The same seed and library give the same bytes.
 */
import { countOf } from '../../chat/train/model.ts'
import { train } from '../../training/loop.ts'
import { trainingOptions } from '../../training/options.ts'
import { Random } from '../../training/random.ts'
import { ADAMW, Trainer } from '../../training/trainer.ts'
import { batches, PAIRS, TIMES, type Time } from './batches.ts'
import { writeFolder } from './folder.ts'
import { contrastLoss, parametersOf, SHAPE } from './model.ts'
import { vocabularyOf } from './vocabulary.ts'

/** The seed of everything; data, weights and vocabulary each have their own stream from it. */
const SEED = 2025
const PEAK_RATE = 2e-3

const { steps, seed, threads, work, out, resume } = trainingOptions('embed', {
  steps: 2500,
  seed: SEED,
})
const parameters = parametersOf(SHAPE)
const facts = { seed, steps, rate: PEAK_RATE, pairs: PAIRS, parameters: countOf(parameters), shape: SHAPE }
console.log(JSON.stringify({ ...facts, ...ADAMW }))

const vocabulary = vocabularyOf(seed, SHAPE.vocabulary)
const trainer = new Trainer(parameters, parameters.start(new Random(seed + 1)))
const stepOf = new Map<Time, Awaited<ReturnType<Trainer['shape']>>>()
for (const time of TIMES) stepOf.set(time, await trainer.shape(contrastLoss(SHAPE, PAIRS, time), threads))

function* stream() {
  for (const { time, feeds } of batches(vocabulary, SHAPE.context, new Random(seed + 2))) {
    const step = stepOf.get(time)
    if (step === undefined) throw new RangeError(`no step for ${time} tokens`)
    yield { step, feeds }
  }
}

await train({
  trainer,
  steps,
  peakRate: PEAK_RATE,
  work,
  resume,
  batches: stream(),
})
await writeFolder(out, SHAPE, vocabulary, parameters, trainer.weights)
console.log(`written to ${out}`)
