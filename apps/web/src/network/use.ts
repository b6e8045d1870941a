import { createContext, startTransition, useContext, useEffect, useState } from 'react'
import type { Live, View } from './live.ts'

export const LiveContext = createContext<Live | undefined>(undefined)

export function useLive(): Live {
  const live = useContext(LiveContext)
  if (live === undefined) throw new Error('LiveContext is missing')
  return live
}

/** What the page knows now. Drawn bit by bit: a long list holds up neither keyboard nor scrolling. */
export function useView(): View {
  const live = useLive()
  const [view, setView] = useState(live.view)
  useEffect(() => {
    const take = () => startTransition(() => setView(live.view()))
    take()
    return live.subscribe(take)
  }, [live])
  return view
}

/** Now, every few seconds: for ages. */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs)
    return () => window.clearInterval(timer)
  }, [everyMs])
  return now
}

/** The width of an element in pixels, so that drawings keep their text at its size. */
export function useWidth(): [(element: Element | null) => void, number] {
  const [element, setElement] = useState<Element | null>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return [setElement, width]
}

/** Whether an element has been in sight of somebody who moved, scrolled or pressed; it stays so. */
export function useSeen(): [(element: Element | null) => void, boolean] {
  const [element, setElement] = useState<Element | null>(null)
  const [seen, setSeen] = useState(false)
  useEffect(() => {
    if (element === null || seen) return
    let isShown = false
    let isThere = false
    const decide = () => isShown && isThere && setSeen(true)
    const came = () => {
      isThere = true
      decide()
    }
    const observer = new IntersectionObserver((entries) => {
      isShown = entries.some(({ isIntersecting }) => isIntersecting)
      decide()
    })
    observer.observe(element)
    for (const sign of SIGNS) window.addEventListener(sign, came, { passive: true })
    return () => {
      observer.disconnect()
      for (const sign of SIGNS) window.removeEventListener(sign, came)
    }
  }, [element, seen])
  return [setElement, seen]
}

/** Of somebody at the page. */
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'wheel', 'scroll'] as const
