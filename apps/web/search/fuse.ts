/** Several rankings of the same things as one. Pure. */

/** How little a first place counts more than the next ones; the value of the method's authors (Cormack et al., 2009). */
const DAMPING = 60

/**
 * Reciprocal rank fusion: each ranking gives its place `n` (from 1) a score of weight / (60 + n); sums decide, and the
 * earlier ranking where they are equal.
 *
 * @returns Every thing once, the best first.
 */
export function fuse<T>(rankings: readonly { weight: number; items: readonly T[] }[]): T[] {
  const scores = new Map<T, number>()
  for (const { weight, items } of rankings) {
    for (const [place, item] of [...new Set(items)].entries()) {
      scores.set(item, (scores.get(item) ?? 0) + weight / (DAMPING + place + 1))
    }
  }
  return [...scores].sort(([, a], [, b]) => b - a).map(([item]) => item)
}
