import { feedEventSchema } from '../network/documents.ts'
import type { Step } from './drawing.ts'

export interface Progress {
  step: Step
  node?: number
}

/** A feed that opens later than this is not waited for. Milliseconds. */
const PATIENCE_MS = 3_000

/**
 * What the router's feed says of one call, from the moment it is known which. A feed that does not answer says nothing;
 * the call goes on without it.
 */
export function followJob(routerUrl: string, tell: (progress: Progress) => void) {
  const feed = new EventSource(new URL('/v1/feed', routerUrl))
  let wanted: string | undefined
  const open = new Promise<void>((resolve) => {
    feed.onopen = () => resolve()
    feed.onerror = () => resolve()
    window.setTimeout(resolve, PATIENCE_MS)
  })
  feed.onmessage = ({ data }: MessageEvent<string>) => {
    const read = feedEventSchema.safeParse(JSON.parse(data))
    if (!read.success || wanted === undefined) return
    const event = read.data
    if (event.type === 'job' && event.request === wanted) {
      const node = event.node === undefined ? {} : { node: event.node }
      if (event.status === 'admitted') tell({ step: 'waiting' })
      if (event.status === 'dispatched') tell({ step: 'drawing', ...node })
    }
    if (event.type === 'receipt' && event.request === wanted) tell({ step: 'checking', node: event.node })
  }
  return {
    /** Once it listens, or will not: what happens before is not told again. */
    open,
    of(request: string) {
      wanted = request
    },
    end: () => feed.close(),
  }
}
