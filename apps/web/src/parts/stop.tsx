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
  useEffect(() => {
    if (isNext && isFocusLost()) button.current?.focus()
  }, [isNext])
  return (
    <Button ref={button} onClick={({ detail }) => detail < 2 && onStop()}>
      {name}
    </Button>
  )
}

const isFocusLost = (): boolean => {
  const { activeElement: at, body } = document
  return at === null || at === body || at.matches(':disabled')
}
