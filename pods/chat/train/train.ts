/**
 * Makes the chat pod's model from nothing but a seed: text, vocabulary, weights, folder.
 *
 *   node --import tsx pods/chat/train/train.ts --steps 6500 --work .data/train-chat [--resume]
 *
 * Every figure that decides the result is printed first. The same seed and library give the same bytes.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Random } from '../../training/random.ts'
import { ADAMW, cosineRate, Trainer } from '../../training/trainer.ts'
import { BUCKETS, type Bucket, batches, makeEncoder } from './batches.ts'
import { writeFolder } from './folder.ts'
import { chatLoss, countOf, parametersOf, SHAPE } from './model.ts'
import { conversation } from './questions.ts'
import { trainVocabulary } from './vocabulary.ts'

/** The seed of everything; data, weights and vocabulary each fork their own stream from it. */
export const SEED = 2024
const PEAK_RATE = 3e-3
const SAVE_EVERY = 250
const LOG_EVERY = 50

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '6500' },
    seed: { type: 'string', default: `${SEED}` },
    threads: { type: 'string', default: '2' },
    work: { type: 'string', default: '.data/train-chat' },
    out: { type: 'string', default: 'pods/chat/model' },
    resume: { type: 'boolean', default: false },
  },
})

const [steps, seed, threads] = [Number(options.steps), Number(options.seed), Number(options.threads)]
const parameters = parametersOf(SHAPE)
const vocabulary = vocabularyOf(seed)
console.log(
  JSON.stringify({ seed, steps, rate: PEAK_RATE, parameters: countOf(parameters), shape: SHAPE, ...ADAMW }),
)

const trainer = new Trainer(parameters, parameters.start(new Random(seed + 1)))
const checkpoint = join(options.work, 'checkpoint.bin')
await mkdir(options.work, { recursive: true })
const stepOf = new Map<Bucket, Awaited<ReturnType<Trainer['shape']>>>()
for (const bucket of BUCKETS) {
  stepOf.set(bucket, await trainer.shape(chatLoss(SHAPE, bucket.rows, bucket.time), threads))
}
const encode = makeEncoder(vocabulary, SHAPE.context)
const random = new Random(seed + 2)
const stream = batches(() => encode(conversation(random)))
if (options.resume && existsSync(checkpoint)) {
  trainer.restore(await readFile(checkpoint))
  // The stream is replayed, so that a resumed training sees what an unbroken one would.
  for (let i = 0; i < trainer.steps; i++) stream.next()
}

let [lossSum, since] = [0, performance.now()]
while (trainer.steps < steps) {
  const batch = stream.next().value
  const step = stepOf.get(batch.bucket)
  if (step === undefined) throw new RangeError(`no step for ${batch.bucket.time} tokens`)
  lossSum += (await step(batch.feeds, cosineRate(trainer.steps, steps, PEAK_RATE))).loss
  if (trainer.steps % LOG_EVERY === 0) {
    const perStep = (performance.now() - since) / LOG_EVERY
    console.log(
      `step ${trainer.steps} loss ${(lossSum / LOG_EVERY).toFixed(4)} ${perStep.toFixed(0)} ms/step`,
    )
    lossSum = 0
    since = performance.now()
  }
  if (trainer.steps % SAVE_EVERY === 0) await save()
}
await save()
await writeFolder(options.out, SHAPE, vocabulary, parameters, trainer.weights)
console.log(`written to ${options.out}`)

async function save(): Promise<void> {
  await writeFile(checkpoint, trainer.checkpoint())
  await writeFolder(join(options.work, 'model'), SHAPE, vocabulary, parameters, trainer.weights)
}

function vocabularyOf(seed: number) {
  const random = new Random(seed)
  const texts = Array.from({ length: 20_000 }, () => conversation(random)).flatMap((turns) =>
    turns.flatMap(({ question, answer }) => [question, answer]),
  )
  return trainVocabulary(texts, SHAPE.vocabulary)
}
