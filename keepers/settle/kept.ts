/** What anybody may ask for as often as it likes: `make` is called once while it is kept. */
export type Kept<T> = (name: string, make: () => Promise<T>) => Promise<T>

/** Keeps the `most` that were asked for last; one is made after the other. What could not be made is not kept. */
export function createKept<T>(most: number): Kept<T> {
  const kept = new Map<string, Promise<T>>()
  let tail: Promise<unknown> = Promise.resolve()

  function begin(name: string, make: () => Promise<T>): Promise<T> {
    const made = tail.then(make)
    tail = made.catch(() => kept.delete(name))
    return made
  }

  return (name, make) => {
    const one = kept.get(name) ?? begin(name, make)
    // The one that was asked for last is the last to go.
    kept.delete(name)
    kept.set(name, one)
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size > most) kept.delete(oldest)
    return one
  }
}
