import type { FastifyReply } from 'fastify'
import { formatUsd } from '../../../sdk/units.ts'
import type { Catalog } from '../catalog.ts'
import type { Payer } from '../payer.ts'
import type { Pictures } from '../pictures.ts'
import { receiptHeaders } from '../receipts.ts'
import type { Consumers } from './consumer.ts'
import type { Answered, Jobs } from './jobs.ts'
import type { Miners } from './miners.ts'
import type { WireStore } from './store.ts'
import type { PendingStreams } from './streams.ts'
import type { Tasks } from './tasks.ts'

/** What the routes of this API share. */
export interface WireContext {
  catalog: Catalog
  payer: Payer
  pictures: Pictures
  /** How callers reach this door; undefined = as the request came in. */
  publicUrl: string | undefined
  stopping: AbortSignal
  consumers: Consumers
  /** Counts one request of this consumer. @throws `rate.exceeded` (refused). */
  count(consumer: string, reply: FastifyReply): void
  miners: Miners
  store: WireStore
  jobs: Jobs
  pending: PendingStreams
  tasks: Tasks
}

/** The largest body that these routes read. Bytes. */
export const MAX_WIRE_BYTES = 512 * 1024

/** This API answers a JSON string, not an object: the SDK takes the text and strips the quotes, others parse it. */
export const sendText = (reply: FastifyReply, text: string) =>
  reply.type('application/json; charset=utf-8').send(JSON.stringify(text))

/** What this request paid; one that was answered from another's payment says so, and paid nothing. */
export function receiptsOf({ row, paid }: Answered): Record<string, string> {
  if (paid !== undefined) return receiptHeaders([paid])
  return {
    'x-heurist-price': formatUsd(0n),
    'x-heurist-node': String(row.node),
    'x-heurist-receipt': row.receipt,
    'x-heurist-repeated': 'true',
  }
}
