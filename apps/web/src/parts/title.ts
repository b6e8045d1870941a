import { useEffect } from 'react'

const MOST = 60

/** The tab's title while one thing of a door is shown: what it is, then the door's own. */
export function useTitle(what: string | undefined): void {
  useEffect(() => {
    if (what === undefined) return
    const own = document.title
    document.title = `${what.slice(0, MOST)} · ${own}`
    return () => {
      document.title = own
    }
  }, [what])
}
