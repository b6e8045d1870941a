import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react'
import { isFocusLost } from './parts/stop.tsx'

/** For the button that puts something in its own place: closed by the keyboard, that leads back to it. */
export function useOpener(): { opener: RefObject<HTMLButtonElement | null>; back: () => void } {
  const opener = useRef<HTMLButtonElement>(null)
  const isDue = useRef(false)
  useEffect(() => {
    if (!isDue.current) return
    isDue.current = false
    if (isFocusLost()) opener.current?.focus()
  })
  return { opener, back: () => (isDue.current = true) }
}

interface Leaving {
  gone: Element
  /** Where the focus belongs then, best first. */
  next: readonly Element[]
  words: string
}

const FOCUSABLE = 'a[href], button:enabled'

export interface Deletions<L extends Element> {
  /** What its entries are in; each has its id as `data-entry-of`. */
  list: RefObject<L | null>
  /** Before entries are deleted, at once or later: the one behind them has the focus next, or the one before. */
  leaving(ids: readonly string[], words: string): void
  /** Where what is gone is said; it stays when the last one goes. */
  said: ReactNode
}

/**
 * For entries that are deleted one by one: the focus would be lost with them, and who does not see it would not know.
 *
 * @param rest  What has the focus once there is none.
 */
export function useDeletions<L extends Element>(rest: () => HTMLElement | null | undefined): Deletions<L> {
  const list = useRef<L>(null)
  const leaving = useRef<Leaving>(undefined)
  const [said, setSaid] = useState('')
  useEffect(() => {
    const { gone, next, words } = leaving.current ?? {}
    if (gone === undefined || gone.isConnected) return
    setSaid(words ?? '')
    if (isFocusLost()) {
      const entry = next?.find(({ isConnected }) => isConnected)
      const target = entry?.querySelector<HTMLElement>(FOCUSABLE) ?? rest()
      target?.focus()
      // It takes none while something is under way.
      if (target !== document.activeElement) return
    }
    leaving.current = undefined
  })
  return {
    list,
    leaving(ids, words) {
      const entries = [...(list.current?.querySelectorAll('[data-entry-of]') ?? [])]
      const at = entries.findLastIndex((each) => ids.includes(each.getAttribute('data-entry-of') ?? ''))
      const gone = entries[at]
      const next = [...entries.slice(at + 1), ...entries.slice(0, Math.max(at, 0)).reverse()]
      leaving.current = gone && { gone, next, words }
      // The same words twice are two of them.
      setSaid('')
    },
    said: (
      <p role="status" className="sr-only">
        {said}
      </p>
    ),
  }
}
