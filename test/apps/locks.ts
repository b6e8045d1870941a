import type { Locks } from '../../apps/web/src/session/journal.ts'

/** Locks as a browser has them: one holder a name, the next waits or is told. */
export function browserLocks(): Locks {
  const held = new Map<string, Promise<unknown>>()
  return {
    async request(name: string, options: unknown, work?: unknown) {
      const callback = (work ?? options) as (lock: object | null) => unknown
      if ((options as { ifAvailable?: boolean }).ifAvailable && held.has(name)) return callback(null)
      while (held.has(name)) await held.get(name)
      const holding = Promise.resolve(callback({}))
      held.set(name, holding)
      return holding.finally(() => held.delete(name))
    },
  } as Locks
}
