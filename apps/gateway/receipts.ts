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
 *
 * @param stopping  Aborts it as well: the gateway stops.
 */
export function leaving(reply: FastifyReply, stopping?: AbortSignal): AbortSignal {
  const { raw, request } = reply
  const { idempotent, paying } = request
  if (idempotent !== undefined || paying?.call?.whole) return stopping ?? new AbortController().signal
  const controller = new AbortController()
  const stop = () => controller.abort(stopping?.reason)
  const closed = () => {
    stopping?.removeEventListener('abort', stop)
    if (!raw.writableFinished) controller.abort(new Error('the caller left'))
  }
  if (stopping?.aborted) stop()
  else stopping?.addEventListener('abort', stop)
  if (raw.destroyed) closed()
  else raw.once('close', closed)
  return controller.signal
}
