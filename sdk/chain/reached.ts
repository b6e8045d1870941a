import { later } from '../errors.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** Farther ahead of its node is no block that a chain has. Some hours of them. */
const MOST_BEHIND = 20_000n

/**
 * Asks the chain's node for what stands in a block. That a node knows nothing of it says something of a node alone that has
 * come to that block.
 *
 * @param block  Where it stands, by whoever claims that; undefined, or beyond what a chain can have, = the answer counts as it is.
 * @param ask    Gives undefined where the node knows nothing of it.
 * @throws `chain.behind` (later): the node has not come to that block.
 */
export async function askReached<T>(
  { client }: Pick<Chain, 'client'>,
  block: bigint | undefined,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const found = await ask()
  if (found !== undefined || block === undefined) return found
  const head = await client.getBlockNumber().catch((cause: unknown) => {
    throw chainError(cause)
  })
  if (head < block && block - head <= MOST_BEHIND) {
    throw later('chain.behind', `the chain’s node is at block ${head}, not at ${block} yet`)
  }
  // It may have come there since it was asked.
  return ask()
}
