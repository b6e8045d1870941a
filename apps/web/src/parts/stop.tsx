import { useEffect, useLayoutEffect, useRef } from 'react'
import { Button } from './button.tsx'

interface Props {
  onStop: () => void
  /** It goes while it has the focus, which belongs on what comes next. */
  onLeft: () => void
  /** It has the focus next that what was pressed to begin has lost, gone or disabled. */
  isNext?: boolean
  name?: string
}

/** So long after a key the same key again is its second half. Milliseconds; what systems give a double click. */
const TWICE_MS = 500

/** Ends what is paid for by the piece. It stands where that was begun: the second click of a double click is not meant for it. */
export function StopButton({ onStop, onLeft, isNext = false, name = 'Stop' }: Props) {
  const button = useRef<HTMLButtonElement>(null)
  const left = useRef(onLeft)
  left.current = onLeft
  useLayoutEffect(() => {
    const here = button.current
    return () => {
      if (here !== null && here === document.activeElement) left.current()
    }
  }, [])
  const tookFocusMs = useRef(Number.NEGATIVE_INFINITY)
  useEffect(() => {
    if (!isNext || !isFocusLost()) return
    button.current?.focus()
    tookFocusMs.current = performance.now()
  }, [isNext])
  // A key that began it and is held down, or pressed twice, comes along with the focus: it is not meant for this either.
  const isMeant = (detail: number) =>
    detail === 0 ? performance.now() > tookFocusMs.current + TWICE_MS : detail < 2
  return (
    <Button
      ref={button}
      onKeyDown={(event) => event.repeat && event.preventDefault()}
      onClick={({ detail }) => isMeant(detail) && onStop()}
    >
      {name}
    </Button>
  )
}

/** Nothing has the keyboard's focus, or something that takes no key. */
export const isFocusLost = (): boolean => {
  const { activeElement: at, body } = document
  return at === null || at === body || at.matches(':disabled')
}
