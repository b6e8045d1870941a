import type { Address } from 'viem'
import { emissionControllerAbi, nodeStakingAbi } from './abi.ts'
import type { Call } from './call.ts'
import type { Chain } from './clients.ts'
import { readCycle } from './cycle.ts'
import type { Economy } from './economy.ts'
import { emissionCall } from './emission.ts'
import { chainError } from './errors.ts'
import { stakeCall } from './stakes.ts'
import { type BallotName, readVotes, voteCall } from './votes.ts'

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
  /** Whether it ever voted: who did and has nothing to claim is not nobody. */
  hasVoted: boolean
}

/** Emission of nodes: anyone may have it paid. */
export async function readNodeRewards(
  { client }: Chain,
  { emission }: Pick<Economy, 'emission'>,
  nodes: readonly number[],
): Promise<Rewards['emission']> {
  const at = { address: emission, abi: emissionControllerAbi } as const
  const read = nodes.map(async (node) => ({
    node,
    amount: await client.readContract({ ...at, functionName: 'claimable', args: [node] }),
  }))
  const found = await Promise.all(read).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return found.filter(({ amount }) => amount > 0n)
}

/** @param nodes  Whose emission is asked for. */
export async function readRewards(
  chain: Chain,
  economy: Economy,
  { account, router, nodes }: { account: Address; router: Address; nodes: readonly number[] },
): Promise<Rewards> {
  const cycle = await readCycle(chain, economy, [router])
  const owed = chain.client.readContract({
    address: economy.staking,
    abi: nodeStakingAbi,
    functionName: 'owedTo',
    args: [account],
  })
  const [votes, emission, refund] = await Promise.all([
    readVotes(chain, economy, { account, router, epoch: cycle.epoch }),
    readNodeRewards(chain, economy, nodes),
    owed,
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const of = (ballot: BallotName) => votes.filter((vote) => vote.ballot === ballot)
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
    emission,
    tips: tips.filter(due),
    revenue: revenue.filter(due),
    refund,
    hasVoted: votes.length > 0,
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
