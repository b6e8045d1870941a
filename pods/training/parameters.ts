import type { Random } from './random.ts'
import { sizeOf, type Tape, type Value } from './tape.ts'

export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
  /** Standard deviation of the normal start, or the constant it starts from. */
  readonly start: { readonly deviation: number } | { readonly constant: number }
  /** Whether weight decay applies; by custom to matrices, not to gains and biases. */
  readonly decays: boolean
}

/** Weights [rows, columns] that start normal, ready for `x · W`. */
export const matrix = (name: string, rows: number, columns: number, deviation: number): Parameter => ({
  name,
  shape: [rows, columns],
  start: { deviation },
  decays: true,
})

/** What multiplies a normalised vector. */
export const gain = (name: string, width: number): Parameter => ({
  name,
  shape: [width],
  start: { constant: 1 },
  decays: false,
})

/**
 * All weights of a model in one flat vector, in the order they are declared. One vector means one input and one
 * output per state of the optimiser, a checkpoint that is one buffer, and AdamW in a dozen nodes.
 */
export class Parameters {
  readonly size: number
  readonly #offsets = new Map<string, { readonly at: number; readonly parameter: Parameter }>()

  constructor(readonly list: readonly Parameter[]) {
    let at = 0
    for (const parameter of list) {
      if (this.#offsets.has(parameter.name))
        throw new RangeError(`parameter ${parameter.name} declared twice`)
      this.#offsets.set(parameter.name, { at, parameter })
      at += sizeOf(parameter.shape)
    }
    this.size = at
  }

  /** The starting weights of a seed. */
  start(random: Random): Float32Array {
    const weights = new Float32Array(this.size)
    for (const { at, parameter } of this.#offsets.values()) {
      const { start } = parameter
      for (let i = at; i < at + sizeOf(parameter.shape); i++) {
        weights[i] = 'constant' in start ? start.constant : random.normal() * start.deviation
      }
    }
    return weights
  }

  /** 1 where weight decay applies, 0 elsewhere. */
  decayMask(): Float32Array {
    const mask = new Float32Array(this.size)
    for (const { at, parameter } of this.#offsets.values()) {
      if (parameter.decays) mask.fill(1, at, at + sizeOf(parameter.shape))
    }
    return mask
  }

  /** A view of one parameter inside the flat vector. */
  view(weights: Float32Array, name: string): Float32Array {
    const { at, parameter } = this.#found(name)
    return weights.subarray(at, at + sizeOf(parameter.shape))
  }

  shapeOf(name: string): readonly number[] {
    return this.#found(name).parameter.shape
  }

  /** Cuts the flat tensor into named ones, so that its gradient is one flat tensor again. */
  unpack(tape: Tape, flat: Value): (name: string) => Value {
    const sizes = this.list.map((parameter) => sizeOf(parameter.shape))
    const parts = tape.split(flat, 0, sizes)
    const named = new Map(
      this.list.map(({ name, shape }, i) => [name, tape.reshape(parts[i] ?? flat, shape)] as const),
    )
    return (name) => {
      const value = named.get(name)
      if (value === undefined) throw new RangeError(`no parameter ${name}`)
      return value
    }
  }

  #found(name: string) {
    const found = this.#offsets.get(name)
    if (found === undefined) throw new RangeError(`no parameter ${name}`)
    return found
  }
}
