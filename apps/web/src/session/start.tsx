import type { ReactNode } from 'react'
import type { Door } from '../network/config.ts'
import { sentShare, start } from '../start.tsx'
import { hasKeys, lazySession, loadSession, SessionContext } from './use.ts'

interface Paying<K> {
  door: Door
  /** What this browser keeps of the door. */
  kept: Promise<K>
  readShare(id: string): Promise<void>
  draw(kept: K): ReactNode
}

/** Begins a door whose pages pay. One that shows a share waits for neither key nor chain: whoever came reads. */
export function startPaying<K>({ door, kept, readShare, draw }: Paying<K>): Promise<void> {
  const known = sentShare === undefined ? hasKeys() : undefined
  // Whoever opens the session says what did not come.
  void known?.then((isKnown) => (isKnown ? loadSession().catch(() => undefined) : undefined))
  const shown = sentShare === undefined ? undefined : readShare(sentShare)
  const read = Promise.all([kept, shown])
  return start(
    () => read,
    (config, [kept]) => {
      const frontend = config.doors[door]?.frontend ?? 0
      const session = lazySession(config, frontend, known)
      return <SessionContext value={{ config, session }}>{draw(kept)}</SessionContext>
    },
  )
}
