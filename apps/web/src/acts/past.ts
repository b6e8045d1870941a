import type { Address } from 'viem'
import type { Forgotten, Intent, Intents } from './intents.ts'
import { doneBy, forgottenOf, isWatched, mayStillCome } from './repeats.ts'
import { isLive } from './view.ts'

/** What stood in an act's place before it, of which a wallet may still do something. */
export class Past {
  readonly #intents: Intents
  /** Milliseconds since 1970. */
  readonly #clock: () => number

  constructor(intents: Intents, clock: () => number) {
    this.#intents = intents
    this.#clock = clock
  }

  /** What may still come, or came and nobody dismissed. */
  of(from: Address, id: string): Forgotten[] {
    const now = this.#clock()
    return this.#intents
      .forgottenOf(from, id)
      .filter((each) => each.hashes.length > 0 || mayStillCome(each, now))
  }

  /** Before an act is forgotten: what came of others is told no more, what may come of this one is watched for. */
  forget(intent: Intent | undefined, from: Address, id: string): void {
    if (intent) this.#know(intent)
    for (const each of this.#intents.forgottenOf(from, id)) {
      this.#intents.putForgotten({ ...each, known: [...each.known, ...each.hashes], hashes: [] })
    }
    if (isLive(intent)) this.#watchFor(intent)
  }

  /** Before another act takes its place. */
  replace({ from, id }: Pick<Intent, 'from' | 'id'>): void {
    const intent = this.#intents.of(from, id)
    if (!intent || isLive(intent)) return
    this.#know(intent)
    if (isWatched(intent, this.#clock())) this.#watchFor(intent)
  }

  drop(from: Address, id: string): void {
    for (const each of this.#intents.forgottenOf(from, id)) this.#intents.dropForgotten(each)
  }

  /** Clears away what is over, long enough ago. */
  clear(): void {
    const now = this.#clock()
    for (const each of this.#intents.forgotten()) {
      if (!mayStillCome(each, now)) this.#intents.dropForgotten(each)
    }
    for (const intent of this.#intents.all()) {
      if (isLive(intent) || isWatched(intent, now)) continue
      this.#know(intent)
      this.#intents.drop(intent)
    }
  }

  /** The transactions of an act are none of what was forgotten before it. */
  #know(intent: Intent): void {
    for (const each of this.#intents.forgottenOf(intent.from, intent.id)) {
      const known = new Set([...each.known, ...doneBy(intent)])
      this.#intents.putForgotten({ ...each, known: [...known] })
    }
  }

  #watchFor(intent: Intent): void {
    for (const each of forgottenOf(intent, this.#clock())) this.#intents.putForgotten(each)
  }
}
