import type { HeuristError } from '../../sdk/errors.ts'

/** What anybody may ask for as often as it likes: `make` is called once while it is kept. */
export type Kept<T> = (name: string, make: () => Promise<T>, asker?: string) => Promise<T>

/** How many may wait to be made, and what is thrown at the next one. What is kept, or waits already, is never refused. */
interface Waiting {
  most: number
  /** For one asker, so that none of them keeps out the others; who is not told apart has all places. */
  mostOfOne: number
  busy(most: number): HeuristError
}

/** Keeps the `most` that were asked for last; one is made after the other. What could not be made is not kept. */
export function createKept<T>(most: number, limit?: Waiting): Kept<T> {
  const kept = new Map<string, Promise<T>>()
  let tail: Promise<unknown> = Promise.resolve()
  let waiting = 0
  const waitingOf = new Map<string, number>()

  function count(asker: string | undefined, by: 1 | -1): void {
    waiting += by
    if (asker === undefined) return
    const own = (waitingOf.get(asker) ?? 0) + by
    if (own > 0) waitingOf.set(asker, own)
    else waitingOf.delete(asker)
  }

  function refusal(asker: string | undefined): HeuristError | undefined {
    if (!limit) return undefined
    if (waiting >= limit.most) return limit.busy(limit.most)
    const own = asker === undefined ? 0 : (waitingOf.get(asker) ?? 0)
    return own >= limit.mostOfOne ? limit.busy(limit.mostOfOne) : undefined
  }

  function begin(name: string, make: () => Promise<T>, asker: string | undefined): Promise<T> {
    count(asker, 1)
    const made = tail.then(make).finally(() => count(asker, -1))
    tail = made.catch(() => kept.delete(name))
    return made
  }

  return (name, make, asker) => {
    const known = kept.get(name)
    const refused = known ? undefined : refusal(asker)
    if (refused) return Promise.reject(refused)
    const one = known ?? begin(name, make, asker)
    // The one that was asked for last is the last to go.
    kept.delete(name)
    kept.set(name, one)
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size > most) kept.delete(oldest)
    return one
  }
}
