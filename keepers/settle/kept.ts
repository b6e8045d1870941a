import type { HeuristError } from '../../sdk/errors.ts'

/** What anybody may ask for as often as it likes: `make` is called once while it is kept. */
export type Kept<T> = (name: string, make: () => Promise<T>) => Promise<T>

/** How many may wait to be made, and what is thrown at the next one. What is kept, or waits already, is never refused. */
interface Waiting {
  most: number
  busy(most: number): HeuristError
}

/** Keeps the `most` that were asked for last; one is made after the other. What could not be made is not kept. */
export function createKept<T>(most: number, limit?: Waiting): Kept<T> {
  const kept = new Map<string, Promise<T>>()
  let tail: Promise<unknown> = Promise.resolve()
  let waiting = 0

  function begin(name: string, make: () => Promise<T>): Promise<T> {
    waiting += 1
    const made = tail.then(make).finally(() => {
      waiting -= 1
    })
    tail = made.catch(() => kept.delete(name))
    return made
  }

  return (name, make) => {
    const known = kept.get(name)
    if (!known && limit && waiting >= limit.most) return Promise.reject(limit.busy(limit.most))
    const one = known ?? begin(name, make)
    // The one that was asked for last is the last to go.
    kept.delete(name)
    kept.set(name, one)
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size > most) kept.delete(oldest)
    return one
  }
}
