import type { Address } from 'viem'
import { emissionControllerAbi, nodeStakingAbi } from './abi.ts'
import type { Call, Chain } from './clients.ts'
import { readCycle } from './cycle.ts'
import type { Economy } from './economy.ts'
import { emissionCall } from './emission.ts'
import { chainError } from './errors.ts'
import { stakeCall } from './stakes.ts'
import { readVotes, voteCall } from './votes.ts'

/** What the economy owes an account beside its shares in the ledger: HEU in wei, revenue in base units of the asset. */
export interface Rewards {
  account: Address
  router: Address
  /** Emission of nodes, less tips; goes to their payouts. */
  emission: { node: number; amount: bigint }[]
  /** Tips of nodes for the account's votes. `open`: more of it waits to be closed. */
  tips: { node: number; amount: bigint; open: boolean }[]
  /** Revenue of pods at the router for the account's votes. */
  revenue: { pod: number; amount: bigint; open: boolean }[]
  /** What slashes owe the account. */
  refund: bigint
}

/** @param nodes  Whose emission is asked for. */
export async function readRewards(
  chain: Chain,
  economy: Economy,
  { account, router, nodes }: { account: Address; router: Address; nodes: readonly number[] },
): Promise<Rewards> {
  const { client } = chain
  const cycle = await readCycle(chain, economy, [router])
  const votes = await readVotes(chain, economy, { account, router, epoch: cycle.epoch })
  const [refund, ...issued] = await Promise.all([
    client.readContract({
      address: economy.staking,
      abi: nodeStakingAbi,
      functionName: 'owedTo',
      args: [account],
    }),
    ...nodes.map((node) =>
      client.readContract({
        address: economy.emission,
        abi: emissionControllerAbi,
        functionName: 'claimable',
        args: [node],
      }),
    ),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const of = (ballot: 'node' | 'pod') => votes.filter((vote) => vote.ballot === ballot)
  const tips = of('node').map(({ id, claimable }) => ({
    node: id,
    amount: claimable,
    open: cycle.tips.includes(id),
  }))
  const revenue = of('pod').map(({ id, claimable }) => ({
    pod: id,
    amount: claimable,
    open: cycle.revenue.some(({ pod }) => pod === id),
  }))
  const due = ({ amount, open }: { amount: bigint; open: boolean }) => amount > 0n || open
  return {
    account,
    router,
    emission: nodes
      .map((node, index) => ({ node, amount: issued[index] ?? 0n }))
      .filter(({ amount }) => amount > 0n),
    tips: tips.filter(due),
    revenue: revenue.filter(due),
    refund,
  }
}

/** What must be closed before all of it can be claimed. Anyone may send these. */
export const closingCalls = ({ votes }: Economy, { router, tips, revenue }: Rewards): Call[] => [
  ...revenue.filter(({ open }) => open).map(({ pod }) => voteCall.closeRevenue(votes, router, pod)),
  ...tips.filter(({ open }) => open).map(({ node }) => voteCall.closeTips(votes, node)),
]

/** The claims themselves. Those of votes pay whoever sends them: the account has to. */
export function rewardCalls({ votes, emission, staking }: Economy, rewards: Rewards): Call[] {
  const { account, router } = rewards
  const nodes = rewards.emission.map(({ node }) => node)
  const tips = rewards.tips.map(({ node }) => node)
  const pods = rewards.revenue.map(({ pod }) => pod)
  return [
    ...(nodes.length > 0 ? [emissionCall.claim(emission, nodes)] : []),
    ...(tips.length > 0 ? [voteCall.claimTips(votes, tips, account)] : []),
    ...(pods.length > 0 ? [voteCall.claimRevenue(votes, router, pods, account)] : []),
    ...(rewards.refund > 0n ? [stakeCall.claim(staking, account)] : []),
  ]
}
