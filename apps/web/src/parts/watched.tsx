import { type ReactNode, useContext, useMemo } from 'react'
import { watched } from '../network/watched.ts'
import { SessionContext } from '../session/use.ts'
import { sentShare } from '../start.tsx'

/** A door whose session says at once that the chain is silent. Whoever came for a share waits for no chain: none is asked. */
export function WatchedSession({ children }: { children: ReactNode }) {
  const place = useContext(SessionContext)
  const seen = useMemo(() => (place && sentShare === undefined ? watched(place) : place), [place])
  return <SessionContext value={seen}>{children}</SessionContext>
}
