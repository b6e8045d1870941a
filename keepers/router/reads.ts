import type { Address } from 'viem'
import { later } from '../../sdk/errors.ts'
import type { ChainAccount, World } from '../world.ts'

/** How often the chain is asked: whoever comes in, and however many. */

/** Values kept in memory; the oldest make room. */
export const MOST_KEPT = 100_000
/** Accounts of strangers that are kept, and for how long. */
export const MOST_GLANCES = 1_000
const GLANCE_MS = 1_000
/** Accounts of strangers that are read at the same time. */
export const MOST_READING = 64

/** Values by key; one read at a time per key, shared by all who ask meanwhile. */
export function createCache<K, V>(read: (key: K) => Promise<V | undefined>, clock: World['clock']) {
  const known = new Map<K, { value: V; atMs: number }>()
  const reading = new Map<K, Promise<V | undefined>>()
  /** What was asked for before everything was forgotten may be older than the reason for it. */
  let era = 0

  async function refresh(key: K): Promise<V | undefined> {
    const [asked, atMs] = [era, clock.nowMs()]
    const value = await read(key)
    if (asked !== era) return value
    if (known.size >= MOST_KEPT) {
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    }
    if (value === undefined) known.delete(key)
    else known.set(key, { value, atMs })
    return value
  }

  return {
    get: (key: K) => known.get(key)?.value,
    /** When it was asked for; 0 if it is not known. */
    readAtMs: (key: K) => known.get(key)?.atMs ?? 0,
    keys: () => [...known.keys()],
    clear() {
      era += 1
      known.clear()
      reading.clear()
    },
    refresh(key: K): Promise<V | undefined> {
      const started = reading.get(key)
      if (started) return started
      const promise = refresh(key).finally(() => {
        if (reading.get(key) === promise) reading.delete(key)
      })
      reading.set(key, promise)
      return promise
    },
    /** Reads what is known or being read, after the read in progress: that one may be older than the change. */
    async again(key: K): Promise<void> {
      const started = reading.get(key)
      if (!started && !known.has(key)) return
      await started?.catch(() => undefined)
      await refresh(key)
    },
  }
}

/** Reads at most once in `everyMs` and never before it was asked for; all who ask meanwhile share the next read. */
export function createPaced<T>(
  read: () => Promise<T>,
  everyMs: number,
  { clock, timers }: Pick<World, 'clock' | 'timers'>,
): () => Promise<T> {
  let startedMs = 0
  let next: Promise<T> | undefined

  const begin = () => {
    const waitMs = Math.min(everyMs, Math.max(0, startedMs + everyMs - clock.nowMs()))
    return new Promise<T>((resolve, reject) => {
      timers.after(waitMs, () => {
        startedMs = clock.nowMs()
        next = undefined
        read().then(resolve, reject)
      })
    })
  }

  return () => {
    next ??= begin()
    return next
  }
}

/**
 * Accounts that anybody may ask for, apart from those that are served: strangers push none of these out.
 *
 * @throws `accounts.busy` (later) beyond {@link MOST_READING}.
 */
export function createGlances(
  read: (payer: Address) => Promise<ChainAccount>,
  clock: World['clock'],
): (payer: Address) => Promise<ChainAccount> {
  const glances = new Map<Address, { account: Promise<ChainAccount>; untilMs: number }>()
  let reading = 0

  async function begin(payer: Address): Promise<ChainAccount> {
    reading += 1
    try {
      return await read(payer)
    } finally {
      reading -= 1
    }
  }

  return async (payer) => {
    const last = glances.get(payer)
    if (last && clock.nowMs() < last.untilMs) return last.account
    if (reading >= MOST_READING) {
      throw later('accounts.busy', 'This router is asked for more accounts than it reads at once.', {
        fix: 'Ask again after `retryAfterSeconds`.',
        details: { most: MOST_READING, retryAfterSeconds: 1 },
      })
    }
    const glance = { account: begin(payer), untilMs: Number.POSITIVE_INFINITY }
    glances.delete(payer)
    glances.set(payer, glance)
    const [oldest] = glances.keys()
    if (oldest !== undefined && glances.size > MOST_GLANCES) glances.delete(oldest)
    try {
      return await glance.account
    } catch (cause) {
      if (glances.get(payer) === glance) glances.delete(payer)
      throw cause
    } finally {
      glance.untilMs = clock.nowMs() + GLANCE_MS
    }
  }
}
