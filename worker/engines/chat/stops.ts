/**
 * Lets text through up to the first stop text. What might still become one is held back until it cannot.
 */
export class StopFilter {
  #held = ''
  #stopped = false

  constructor(readonly stops: readonly string[]) {}

  get stopped(): boolean {
    return this.#stopped
  }

  add(text: string): string {
    if (this.#stopped) return ''
    const all = this.#held + text
    const found = this.stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0)
    if (found.length > 0) {
      this.#stopped = true
      this.#held = ''
      return all.slice(0, Math.min(...found))
    }
    const keep = Math.max(0, ...this.stops.map((stop) => overlap(all, stop)))
    this.#held = all.slice(all.length - keep)
    return all.slice(0, all.length - keep)
  }

  /** What was held back for a stop text that never came. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length
  }
  return 0
}
