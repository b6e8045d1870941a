import { InferenceSession, Tensor } from '../../worker/engines/onnx.ts'
import { Graph } from './graph.ts'
import type { Parameters } from './parameters.ts'
import { Tape, type Value } from './tape.ts'

export interface Optimiser {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled weight decay, multiplied by the learning rate. */
  readonly decay: number
  /** The gradient is shortened to this Euclidean length. */
  readonly clip: number
}

export const ADAMW: Optimiser = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.05, clip: 1 }

/** Appends a model's forward pass to the tape and returns its scalar loss. */
export type Loss = (tape: Tape, weight: (name: string) => Value) => Value

/**
 * One training step as one ONNX graph: forward, backward, clipping and AdamW. Inputs are the batch, `weights`,
 * `moment1`, `moment2`, `rate` and the two bias corrections; outputs are the next three states, `loss` and `norm`.
 */
export function stepGraph(parameters: Parameters, loss: Loss, optimiser: Optimiser): Uint8Array {
  const graph = new Graph('training_step')
  const tape = new Tape(graph)
  const shape = [parameters.size]
  const weights = tape.leaf(graph.input('weights', 'float32', shape), shape)
  const value = loss(tape, parameters.unpack(tape, weights))
  const [gradient] = tape.gradients(value, [weights])
  if (gradient === undefined) throw new RangeError('the loss has no gradient')
  tape.output(value, 'loss')
  appendAdamW(graph, gradient.name, parameters, optimiser)
  return graph.encode()
}

function appendAdamW(graph: Graph, gradient: string, parameters: Parameters, optimiser: Optimiser): void {
  const shape = [parameters.size]
  const moment1 = graph.input('moment1', 'float32', shape)
  const moment2 = graph.input('moment2', 'float32', shape)
  const [rate, correction1, correction2] = ['rate', 'correction1', 'correction2'].map((name) =>
    graph.input(name, 'float32', []),
  ) as [string, string, string]
  const mul = (a: string, b: string) => graph.node('Mul', [a, b])
  const add = (a: string, b: string) => graph.node('Add', [a, b])
  const blend = (old: string, fresh: string, beta: number) =>
    add(mul(old, graph.scalar(beta)), mul(fresh, graph.scalar(1 - beta)))

  const norm = graph.node('ReduceL2', [gradient, graph.ints([0])], { keepdims: 0 })
  const allowed = graph.node('Div', [graph.scalar(optimiser.clip), add(norm, graph.scalar(1e-6))])
  const clipped = mul(gradient, graph.node('Min', [allowed, graph.scalar(1)]))
  const next1 = blend(moment1, clipped, optimiser.beta1)
  const next2 = blend(moment2, mul(clipped, clipped), optimiser.beta2)
  const root = add(graph.node('Sqrt', [mul(next2, correction2)]), graph.scalar(optimiser.epsilon))
  const direction = graph.node('Div', [mul(next1, correction1), root])
  const mask = graph.floats(parameters.decayMask(), shape)
  const decay = mul(mul(mask, 'weights'), graph.scalar(optimiser.decay))
  const next = graph.node('Sub', ['weights', mul(add(direction, decay), rate)])

  graph.output(next, 'next_weights', 'float32', shape)
  graph.output(next1, 'next_moment1', 'float32', shape)
  graph.output(next2, 'next_moment2', 'float32', shape)
  graph.output(norm, 'norm', 'float32', [])
}

/** The flat vectors that one step replaces with the next ones. */
interface State {
  readonly weights: Float32Array
  readonly moment1: Float32Array
  readonly moment2: Float32Array
}

export interface Step {
  readonly loss: number
  /** Length of the gradient before clipping. */
  readonly norm: number
}

/**
 * Holds a model's state and takes steps. Several batch shapes may share one state: compile each once with `shape`.
 * With the same start, batches and library, every step gives the same bits, whatever the number of threads.
 */
export class Trainer {
  #now: State
  #next: State
  #steps = 0

  constructor(
    readonly parameters: Parameters,
    weights: Float32Array,
    readonly optimiser: Optimiser = ADAMW,
  ) {
    this.#now = emptyState(parameters.size)
    this.#next = emptyState(parameters.size)
    this.#now.weights.set(weights)
  }

  get weights(): Float32Array {
    return this.#now.weights
  }

  get steps(): number {
    return this.#steps
  }

  /** Compiles the step for one batch shape; `threads` are ONNX Runtime's threads inside an operator. */
  async shape(
    loss: Loss,
    threads = 1,
  ): Promise<(batch: Record<string, Tensor>, rate: number) => Promise<Step>> {
    const session = await InferenceSession.create(stepGraph(this.parameters, loss, this.optimiser), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      // Spinning threads steal the cores from whoever shares the machine.
      extra: { session: { 'intra_op.allow_spinning': '0' } },
    })
    return (batch, rate) => this.#step(session, batch, rate)
  }

  async #step(session: InferenceSession, batch: Record<string, Tensor>, rate: number): Promise<Step> {
    const [now, next] = [this.#now, this.#next]
    const { beta1, beta2 } = this.optimiser
    const count = this.#steps + 1
    const vector = (data: Float32Array) => new Tensor('float32', data, [data.length])
    const result = await session.run(
      {
        ...batch,
        weights: vector(now.weights),
        moment1: vector(now.moment1),
        moment2: vector(now.moment2),
        rate: scalarTensor(rate),
        correction1: scalarTensor(1 / (1 - beta1 ** count)),
        correction2: scalarTensor(1 / (1 - beta2 ** count)),
      },
      {
        // Outputs are written into the idle state, then the two change places: nothing is allocated per step.
        next_weights: vector(next.weights),
        next_moment1: vector(next.moment1),
        next_moment2: vector(next.moment2),
        loss: null,
        norm: null,
      },
    )
    const step = { loss: scalarOf(result.loss), norm: scalarOf(result.norm) }
    if (!Number.isFinite(step.loss) || !Number.isFinite(step.norm)) {
      throw new RangeError(`step ${count} diverged: loss ${step.loss}, gradient ${step.norm}`)
    }
    this.#now = next
    this.#next = now
    this.#steps = count
    return step
  }

  /** Weights, both moments and the step count as one buffer. */
  checkpoint(): Uint8Array {
    const { weights, moment1, moment2 } = this.#now
    const out = new Float32Array(3 * weights.length + 1)
    out.set(weights, 0)
    out.set(moment1, weights.length)
    out.set(moment2, 2 * weights.length)
    out[3 * weights.length] = this.#steps
    return new Uint8Array(out.buffer)
  }

  restore(checkpoint: Uint8Array): void {
    const size = this.parameters.size
    if (checkpoint.byteLength !== 4 * (3 * size + 1)) {
      throw new RangeError(`checkpoint of ${checkpoint.byteLength} bytes for ${size} weights`)
    }
    const all = new Float32Array(checkpoint.slice().buffer)
    this.#now.weights.set(all.subarray(0, size))
    this.#now.moment1.set(all.subarray(size, 2 * size))
    this.#now.moment2.set(all.subarray(2 * size, 3 * size))
    this.#steps = all[3 * size] ?? 0
  }
}

/** Rises linearly over `warmup` steps, then falls along a cosine to `floor` × peak at the last step. */
export function cosineRate(step: number, total: number, peak: number, warmup = 50, floor = 0.02): number {
  if (step < warmup) return (peak * (step + 1)) / warmup
  const progress = (step - warmup) / Math.max(1, total - warmup)
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress))))
}

/** Exponential moving average of the weights, the usual choice for what a diffusion model ships. */
export class Average {
  readonly weights: Float32Array

  constructor(
    start: Float32Array,
    readonly keep: number,
  ) {
    this.weights = start.slice()
  }

  add(weights: Float32Array): void {
    const { keep, weights: mean } = this
    for (let i = 0; i < mean.length; i++) mean[i] = keep * (mean[i] ?? 0) + (1 - keep) * (weights[i] ?? 0)
  }
}

const emptyState = (size: number): State => ({
  weights: new Float32Array(size),
  moment1: new Float32Array(size),
  moment2: new Float32Array(size),
})

const scalarTensor = (value: number): Tensor => new Tensor('float32', Float32Array.of(value), [])

function scalarOf(tensor: Tensor | undefined): number {
  const value = tensor?.data[0]
  if (typeof value !== 'number') throw new TypeError('the step returned no number')
  return value
}
