import { asHeuristError } from './errors.ts'

/** How long a call is waited for, and how often the same request is asked for again. */

/** What the same request would only meet again. */
const FINAL = new Set(['job.timeout', 'stream.interrupted', 'program.part_missing'])
/** Before the first, second, … repetition. Milliseconds. */
const RETRY_PAUSES_MS = [250, 1_000, 3_000]
/** A router that wants a longer pause is left to the caller. Seconds. */
const LONGEST_RETRY_AFTER = 5

/**
 * Aborts when the caller does, or when no answer can come any more, to the next whole second; until its `end`. Timers of one
 * length share a list: one for every length in milliseconds is dear.
 */
export function patienceOf(
  until: number,
  caller: AbortSignal | undefined,
): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController()
  const leave = () => controller.abort(caller?.reason)
  const late = () => controller.abort(new DOMException('no answer came in time', 'TimeoutError'))
  const seconds = Math.max(1, Math.ceil(until - Date.now() / 1_000))
  const timer = setTimeout(late, 1_000 * seconds)
  if (caller?.aborted) leave()
  else caller?.addEventListener('abort', leave)
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      caller?.removeEventListener('abort', leave)
    },
  }
}

/**
 * Waits for the next attempt, if there may be one: the same request again is served at most once.
 *
 * @param attempt  How often it was asked for again before.
 * @returns whether to ask again.
 */
export async function mayRepeat(
  cause: unknown,
  attempt: number,
  signal: AbortSignal,
  retries = RETRY_PAUSES_MS.length,
): Promise<boolean> {
  const { kind, code, details } = asHeuristError(cause)
  if (kind !== 'later' || attempt >= retries || FINAL.has(code) || code.startsWith('chain.')) return false
  const wanted = Number(details.retryAfterSeconds ?? 0)
  if (wanted > LONGEST_RETRY_AFTER) return false
  await sleep(Math.max(pauseBefore(attempt), 1_000 * wanted), signal)
  return !signal.aborted
}

/** Whether an answer can be checked a moment later that cannot be now: the chain is silent, or a part of this program. */
const isPassing = (code: string): boolean => code.startsWith('chain.') || code === 'program.part_missing'

/** Waits for the next look at an answer that could not be checked, if there may be one. @returns whether to look again. */
export async function mayLookAgain(
  cause: unknown,
  attempt: number,
  signal: AbortSignal,
  retries = RETRY_PAUSES_MS.length,
): Promise<boolean> {
  const { kind, code } = asHeuristError(cause)
  if (kind !== 'later' || attempt >= retries || !isPassing(code)) return false
  await sleep(pauseBefore(attempt), signal)
  return !signal.aborted
}

const pauseBefore = (attempt: number): number =>
  RETRY_PAUSES_MS[Math.min(attempt, RETRY_PAUSES_MS.length - 1)] ?? 0

/** Ends early when the signal aborts. */
const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
