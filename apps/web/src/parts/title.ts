import { useEffect } from 'react'
import { titleOf } from '../../shares/page.ts'

/** The tab's title while one thing of a door is shown: what it is, then the door, as in a page that is sent. */
export function useTitle(what: string | undefined): void {
  useEffect(() => {
    if (what === undefined) return
    const own = document.title
    document.title = `${titleOf(what)} · ${own.split(' · ')[0]}`
    return () => {
      document.title = own
    }
  }, [what])
}
