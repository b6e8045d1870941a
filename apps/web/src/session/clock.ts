import { chainError } from '../../../../sdk/chain/errors.ts'
import type { Place } from './deposit.ts'

/** What the chain judges, it judges by its own clock: a machine's may be hours ahead of it, or behind. */

/** Of the newest block: what is too old by it will never be taken. Unix seconds. @throws `chain.unreachable` (later). */
export const newestTime = ({ chain }: Pick<Place, 'chain'>): Promise<number> => timeOf(chain, 'latest')

/**
 * Of the block that is being made, where the chain's node tells: a chain that makes blocks only when it is asked for something
 * may have made the newest one long ago. Unix seconds. @throws `chain.unreachable` (later).
 */
export async function nextTime({ chain }: Pick<Place, 'chain'>): Promise<number> {
  const [newest, next] = await Promise.all([timeOf(chain, 'latest'), timeOf(chain, 'pending').catch(() => 0)])
  return Math.max(newest, next)
}

async function timeOf({ client }: Place['chain'], blockTag: 'latest' | 'pending'): Promise<number> {
  const { timestamp } = await client.getBlock({ blockTag }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return Number(timestamp)
}
