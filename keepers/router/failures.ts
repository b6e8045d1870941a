import { type HeuristError, later } from '../../sdk/errors.ts'
import type { Request } from '../../sdk/protocol/messages.ts'

/** How a live call can fail, in the words that its client gets. All of them can be mended by time. */

export const nodeFailed = (node: number, what: string) =>
  later('node.failed', `Node ${node} ${what}.`, {
    fix: 'Send the request again: it costs nothing that it failed.',
    details: { node },
  })

export const abandoned = () =>
  later('job.abandoned', 'The client left, and nothing was signed for.', {
    fix: 'Send the same request again: it runs anew while its deadline lasts.',
  })

export const stopping = () =>
  later('router.stopping', 'The router is stopping.', { fix: 'Send the same request again in a moment.' })

export const noSlotInTime = ({ body }: { body: Request }) =>
  later('job.timeout', 'No slot became free in time.', {
    fix: 'Send a new request with a later deadline.',
    details: { pod: body.pod, deadline: body.deadline },
  })

/** When to ask again for a pod that no node serves. */
export const RETRY_MS = 5_000

/** @param waitMs  When a node may be back. */
export function noNode(
  { body }: { body: Request },
  verdicts: { node: number; words: string }[],
  waitMs = RETRY_MS,
): HeuristError {
  const details = Object.fromEntries(verdicts.slice(0, 10).map(({ node, words }) => [`node ${node}`, words]))
  return later('node.unavailable', `No node serves pod ${body.pod} for this request now.`, {
    fix: 'Try again after `retryAfterSeconds`.',
    details: { ...details, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
  })
}
