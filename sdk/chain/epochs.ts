import { epochAt, startOf } from '../protocol/epochs.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** Where the chain's clock stands. */
export interface Clock {
  /** Unix seconds of the newest block. */
  now: number
  epoch: number
  /** The first second of the next epoch. */
  endsAt: number
}

/** @throws `chain.unreachable` (later). */
export async function readClock(chain: Chain): Promise<Clock> {
  const { timestamp } = await chain.client.getBlock().catch((cause: unknown) => {
    throw chainError(cause)
  })
  const now = Number(timestamp)
  const epoch = epochAt(now)
  return { now, epoch, endsAt: startOf(epoch + 1) }
}
