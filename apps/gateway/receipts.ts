import type { FastifyReply } from 'fastify'
import { formatUsd } from '../../sdk/units.ts'
import type { Paid } from './payer.ts'

/**
 * What was paid, for whom, and where to look it up: dollars with six decimals, node ids and request hashes, one per
 * job, separated by commas where a call made several jobs.
 */
export const receiptHeaders = (paid: readonly Paid[]) => ({
  'x-heurist-price': formatUsd(paid.reduce((sum, each) => sum + each.receipt.price, 0n)),
  'x-heurist-node': paid.map((each) => each.receipt.node).join(', '),
  'x-heurist-receipt': paid.map((each) => each.request).join(', '),
})

/** The same at the end of a stream, as an SSE comment. */
export const receiptLine = (paid: readonly Paid[]): string =>
  Object.entries(receiptHeaders(paid))
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ')

/**
 * Aborts when the caller leaves before its answer was sent: only what was delivered is paid. A request with an
 * `Idempotency-Key` goes on: others may wait for its answer, and its caller may ask again. So does one that a payment of a
 * fixed price is for, unless it streams: it costs the same.
 */
export function leaving(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const { idempotent, paying } = reply.request
  if (idempotent !== undefined || paying?.call?.whole) return controller.signal
  const leave = () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the caller left'))
  }
  if (reply.raw.destroyed) leave()
  else reply.raw.once('close', leave)
  return controller.signal
}
