import { inverseNormal } from '../../../worker/engines/image/noise.ts'
import { philox, type Words } from '../../../worker/engines/image/philox.ts'

/** A seeded stream of chances for the picture generator and the training loop. Same seed, same stream. */
export class Dice {
  readonly #words: Words = [0, 0, 0, 0]
  #block = 0
  #lane = 4

  /** @param seed,stream Unsigned 32-bit; streams of one seed are independent of each other. */
  constructor(
    readonly seed: number,
    readonly stream: number,
  ) {}

  /** A real number in (0, 1), a multiple of 2^-32 plus a half step. */
  next(): number {
    if (this.#lane === 4) {
      philox(this.seed, this.stream, [this.#block++, 0, 0, 1], this.#words)
      this.#lane = 0
    }
    return ((this.#words[this.#lane++] ?? 0) + 0.5) / 4294967296
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[Math.floor(this.next() * from.length)]
    if (chosen === undefined) throw new RangeError('nothing to pick from')
    return chosen
  }

  normal(): number {
    return inverseNormal(this.next())
  }
}
