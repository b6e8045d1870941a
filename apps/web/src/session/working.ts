/**
 * What a tab waits for, so that no other tab takes it for something whose page was closed: a lock of the browser each, which
 * the browser takes back when the page is gone.
 */

/** Not there where the page is not secure, and no key pays. */
const locks = (): LockManager | undefined => globalThis.navigator?.locks
const nameOf = (what: string): string => `heurist-work-${what}`

/** Holds it from before the work until after; waits while another tab does. */
export async function holding(what: string, work: () => Promise<void>): Promise<void> {
  const all = locks()
  if (all) await all.request(nameOf(what), work)
  else await work()
}

/** Does this if no tab holds it. */
export function unlessHeld(what: string, act: () => void): void {
  const all = locks()
  if (!all) return act()
  void all.request(nameOf(what), { ifAvailable: true }, (lock) => {
    if (lock) act()
  })
}
