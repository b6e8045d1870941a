import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** The one clock of the protocol. @source contracts/libraries/Epochs.sol */

/** Seconds. An epoch begins on a Thursday, 00:00 UTC. */
export const EPOCH_SECONDS = 604_800

/** The epoch that holds a second. */
export const epochAt = (seconds: number): number => Math.floor(seconds / EPOCH_SECONDS)

/** The first second of an epoch, Unix. */
export const startOf = (epoch: number): number => epoch * EPOCH_SECONDS

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
