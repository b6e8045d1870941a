import { parseArgs } from 'node:util'

/** What a training may be told on its command line. */
export interface TrainingOptions {
  readonly steps: number
  readonly seed: number
  readonly threads: number
  /** Checkpoints go here. */
  readonly work: string
  /** The folder of the finished model. */
  readonly out: string
  readonly resume: boolean
}

/** The command line of a pod's training; what it leaves out is what the shipped model was made with. */
export function trainingOptions(pod: string, shipped: { steps: number; seed: number }): TrainingOptions {
  const { values } = parseArgs({
    options: {
      steps: { type: 'string', default: `${shipped.steps}` },
      seed: { type: 'string', default: `${shipped.seed}` },
      threads: { type: 'string', default: '2' },
      work: { type: 'string', default: `.data/train-${pod}` },
      out: { type: 'string', default: `pods/${pod}/model` },
      resume: { type: 'boolean', default: false },
    },
  })
  const { steps, seed, threads, ...rest } = values
  return { steps: Number(steps), seed: Number(seed), threads: Number(threads), ...rest }
}
