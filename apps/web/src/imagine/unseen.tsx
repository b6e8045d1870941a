import { useEffect } from 'react'
import { retried } from '../network/retried.ts'
import { useSession } from '../session/use.ts'
import { fetchPaid } from './draw.ts'
import type { Drawing } from './drawing.ts'
import { useDrawings } from './use.ts'

/** Fetches the pictures that came and could not be checked then, as soon as they can be: they are paid for. */
export function Unseen() {
  const { view } = useDrawings()
  return view.drawings
    .filter(({ job }) => job !== undefined)
    .map((each) => <One key={each.id} drawing={each} />)
}

function One({ drawing: { id, job } }: { drawing: Drawing }) {
  const { drawings } = useDrawings()
  const { session, view } = useSession()
  // Its own key alone knows whether it is charged.
  const client = view.account?.key === job?.request.payer ? view.client : undefined
  useEffect(() => {
    if (!client) return
    return retried(() => fetchPaid(drawings, client, id), {
      done: () => void session.refresh(),
      failed: () => undefined,
    })
  }, [drawings, client, id, session])
  return null
}
