import type { Address } from 'viem'
import type { Call } from '../../sdk/chain/call.ts'
import type { Economy } from '../../sdk/chain/economy.ts'
import {
  closingCalls,
  type Rewards,
  readNodeRewards,
  readRewards,
  rewardCalls,
} from '../../sdk/chain/rewards.ts'
import { formatHeu, formatUsd } from '../../sdk/units.ts'
import type { Printer } from '../print.ts'
import type { Place } from '../trust.ts'

/** The economy's part of `heurist claim`: emission, tips, revenue of votes, and what slashes owe. */

interface Asked {
  account: Address
  nodes: readonly number[]
  /** Only these nodes' emission, nothing of the account's own. */
  named: boolean
}

/** What there is to claim, and the calls for it. */
export interface Found {
  rewards: Rewards
  calls: Call[]
}

/**
 * What waits to be closed is closed first, so that it can be itemised; without `close` those calls are the first ones.
 *
 * @param close  Sends the calls that close; absent on a dry run.
 */
export async function findRewards(
  { chain, router }: Place,
  economy: Economy,
  { account, nodes, named }: Asked,
  close?: (calls: readonly Call[]) => Promise<void>,
): Promise<Found> {
  if (named) {
    const emission = await readNodeRewards(chain, economy, nodes)
    const rewards = { account, router, emission, tips: [], revenue: [], refund: 0n, hasVoted: false }
    return { rewards, calls: rewardCalls(economy, rewards) }
  }
  const first = await readRewards(chain, economy, { account, router, nodes })
  const closing = closingCalls(economy, first)
  if (closing.length === 0 || !close) {
    return { rewards: first, calls: [...closing, ...rewardCalls(economy, first)] }
  }
  await close(closing)
  const rewards = await readRewards(chain, economy, { account, router, nodes })
  return { rewards, calls: rewardCalls(economy, rewards) }
}

export function printRewards(print: Printer, { emission, tips, revenue, refund }: Rewards): void {
  print.rows([
    ...emission.map(({ node, amount }) => [`node ${node}`, `${formatHeu(amount)} HEU emission`] as const),
    ...tips.map(
      ({ node, amount, open }) =>
        [`votes for node ${node}`, `${formatHeu(amount)} HEU of tips${more(open)}`] as const,
    ),
    ...revenue.map(
      ({ pod, amount, open }) =>
        [`votes for pod ${pod}`, `$${formatUsd(amount)} of revenue${more(open)}`] as const,
    ),
    ...(refund > 0n ? [['slashes', `${formatHeu(refund)} HEU`] as const] : []),
  ])
}

const more = (open: boolean): string => (open ? ', and what closing adds' : '')
