import type { SessionPlace } from '../session/use.ts'
import type { SessionView } from '../session/view.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { askChain } from './chain.ts'

/** How often the chain is asked whether it is there, while the page is looked at. Milliseconds. */
const EVERY_MS = 3_000

/** A session that is down as soon as the chain does not answer, not when what it reads has been given up. */
export function watched({ config, session }: SessionPlace): SessionPlace {
  let silent: Problem | undefined
  let shown: { of: SessionView; as: SessionView } | undefined
  const listeners = new Set<() => void>()
  let watching = false

  async function watch(): Promise<void> {
    const before = silent
    if (document.visibilityState === 'visible') {
      silent = await askChain(config).then(
        () => undefined,
        (cause: unknown) => wordsOf(cause),
      )
    }
    if (silent?.code !== before?.code) {
      shown = undefined
      for (const listen of listeners) listen()
    }
    watching = listeners.size > 0
    if (watching) window.setTimeout(() => void watch(), EVERY_MS)
  }

  function view(): SessionView {
    const now = session.view()
    if (silent === undefined || now.phase === 'down' || now.phase === 'elsewhere') return now
    if (shown?.of !== now) {
      const { client: _, ...rest } = now
      shown = { of: now, as: { ...rest, phase: 'down', problem: silent } }
    }
    return shown.as
  }

  function subscribe(listen: () => void): () => void {
    listeners.add(listen)
    if (!watching) window.setTimeout(() => void watch(), EVERY_MS)
    watching = true
    const end = session.subscribe(listen)
    return () => {
      listeners.delete(listen)
      end()
    }
  }
  return { config, session: { ...session, view, subscribe } }
}
