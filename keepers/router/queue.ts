/** A call that waits for a slot. */
export interface Waiting {
  payer: string
  /** Unix milliseconds; the earliest of a payer goes first. */
  deadlineMs: number
  /** What it may cost: what its payer is charged for in fairness once it leaves. */
  cost: number
}

/**
 * One pod's queue. Payers take turns by what they were served so far, so that a thousand calls of one payer do not
 * stand before one call of another; within a payer the earliest deadline goes first.
 *
 * @source virtual token counters: a payer that comes back after a pause starts level with the least served, so that
 *         nobody saves up turns.
 */
export interface FairQueue<T extends Waiting> {
  readonly size: number
  push(item: T): void
  remove(item: T): boolean
  /** All that wait, in the order in which they would be served now. */
  inOrder(): Generator<T>
  /** Counts the item as served and takes it out. */
  take(item: T): void
  /** Corrects what a payer was counted for, once the real cost is known. */
  correct(payer: string, difference: number): void
}

interface Line<T> {
  served: number
  items: T[]
}

export function createQueue<T extends Waiting>(): FairQueue<T> {
  const lines = new Map<string, Line<T>>()
  /** Served counts of payers that wait for nothing now; forgotten when everybody is done. */
  const served = new Map<string, number>()
  let size = 0

  const least = (): number => {
    let found = Number.POSITIVE_INFINITY
    for (const line of lines.values()) found = Math.min(found, line.served)
    return Number.isFinite(found) ? found : 0
  }

  function out(item: T): boolean {
    const line = lines.get(item.payer)
    const at = line?.items.indexOf(item) ?? -1
    if (!line || at < 0) return false
    line.items.splice(at, 1)
    size -= 1
    if (line.items.length === 0) {
      lines.delete(item.payer)
      served.set(item.payer, line.served)
      if (size === 0) served.clear()
    }
    return true
  }

  return {
    get size() {
      return size
    },
    push(item) {
      let line = lines.get(item.payer)
      if (!line) {
        line = { served: Math.max(served.get(item.payer) ?? 0, least()), items: [] }
        served.delete(item.payer)
        lines.set(item.payer, line)
      }
      const later = line.items.findIndex((other) => other.deadlineMs > item.deadlineMs)
      line.items.splice(later < 0 ? line.items.length : later, 0, item)
      size += 1
    },
    remove: out,
    *inOrder() {
      const payers = [...lines.values()].sort((a, b) => a.served - b.served)
      for (const { items } of payers) yield* [...items]
    },
    take(item) {
      const line = lines.get(item.payer)
      if (line) line.served += item.cost
      out(item)
    },
    correct(payer, difference) {
      const line = lines.get(payer)
      if (line) line.served = Math.max(0, line.served + difference)
      else if (served.has(payer)) served.set(payer, Math.max(0, (served.get(payer) ?? 0) + difference))
    },
  }
}
