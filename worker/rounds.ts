/**
 * Does something again and again, each time a pause after the last one ended. It keeps no process alive.
 *
 * @param first    The round that is under way, if there is one.
 * @param pauseMs  Until the next round; undefined if none is to follow.
 * @returns what ends it; a round under way goes on to its end.
 */
export function rounds(
  look: () => Promise<unknown>,
  pauseMs: () => number | undefined,
  first: Promise<unknown> = Promise.resolve(),
): () => void {
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function again(): void {
    const ms = pauseMs()
    if (closed || ms === undefined) return
    timer = setTimeout(() => void look().finally(again), ms)
    timer.unref()
  }
  void first.finally(again)

  return () => {
    closed = true
    clearTimeout(timer)
  }
}
