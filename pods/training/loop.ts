import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tensor } from '../../worker/engines/onnx.ts'
import { cosineRate, type Step, type Trainer } from './trainer.ts'

export interface Course {
  readonly trainer: Trainer
  readonly steps: number
  readonly peakRate: number
  /** Checkpoints go here. */
  readonly work: string
  readonly resume: boolean
  /** Endless; the step that its batch shape was compiled to, and the batch. */
  readonly batches: Iterator<{
    readonly step: (feeds: Record<string, Tensor>, rate: number) => Promise<Step>
    readonly feeds: Record<string, Tensor>
  }>
}

const SAVE_EVERY = 250
const LOG_EVERY = 50

/**
 * Takes all steps of a training, with a checkpoint every 250. A resumed one replays its stream of batches, so that it
 * sees what an unbroken one would.
 */
export async function train(course: Course): Promise<void> {
  const { trainer, steps, peakRate, batches } = course
  const checkpoint = join(course.work, 'checkpoint.bin')
  await mkdir(course.work, { recursive: true })
  if (course.resume && existsSync(checkpoint)) {
    trainer.restore(await readFile(checkpoint))
    for (let i = 0; i < trainer.steps; i++) batches.next()
  }
  let [lossSum, since] = [0, performance.now()]
  while (trainer.steps < steps) {
    const { step, feeds } = batches.next().value
    lossSum += (await step(feeds, cosineRate(trainer.steps, steps, peakRate))).loss
    if (trainer.steps % LOG_EVERY === 0) {
      const perStep = ((performance.now() - since) / LOG_EVERY).toFixed(0)
      console.log(`step ${trainer.steps} loss ${(lossSum / LOG_EVERY).toFixed(4)} ${perStep} ms/step`)
      lossSum = 0
      since = performance.now()
    }
    if (trainer.steps % SAVE_EVERY === 0 || trainer.steps === steps) {
      await writeFile(checkpoint, trainer.checkpoint())
    }
  }
}
