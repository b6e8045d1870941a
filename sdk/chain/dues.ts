import type { Address } from 'viem'
import type { Call } from './call.ts'
import type { Chain } from './clients.ts'
import type { Economy } from './economy.ts'
import { type Claimable, claimablesOf, claimCalls, entriesOf } from './payees.ts'
import { closingCalls, type Rewards, readRewards, rewardCalls } from './rewards.ts'

/** Everything that an account may claim, item by item: its votes' rewards, its nodes' emission, its shares of revenue. */
export interface Dues {
  rewards: Rewards
  /** Of the nodes, pods and frontends that the account owns or is paid for, at the router. */
  shares: Claimable[]
}

/** What is due for one thing. HEU in wei, or base units of the payment asset. */
export interface Due {
  kind: 'tips' | 'revenue' | 'emission' | 'share' | 'refund'
  /** Whose: `node 3`; nothing for a refund. */
  of: string
  unit: 'heu' | 'usd'
  amount: bigint
  /** More of it waits to be closed, which its calls do first. */
  open: boolean
  /** Who is paid, whoever sends. */
  to: Address
  calls: Call[]
}

export async function readDues(
  chain: Chain,
  economy: Economy,
  { account, router }: { account: Address; router: Address },
): Promise<Dues> {
  const payees = await entriesOf(chain, economy.registry, account)
  const nodes = payees.filter(({ role }) => role === 'node').map(({ id }) => id)
  const [rewards, shares] = await Promise.all([
    readRewards(chain, economy, { account, router, nodes }),
    claimablesOf(chain, economy, router, payees),
  ])
  return { rewards, shares }
}

/** Each thing that is due, with the calls for it alone. Pure. */
export function duesOf(economy: Economy, { rewards, shares }: Dues): Due[] {
  const { account, router } = rewards
  const none: Rewards = { ...rewards, emission: [], tips: [], revenue: [], refund: 0n }
  const only = (part: Partial<Rewards>): Call[] => {
    const alone = { ...none, ...part }
    return [...closingCalls(economy, alone), ...rewardCalls(economy, alone)]
  }
  const to = account
  return [
    ...rewards.tips.map((each) => ({
      kind: 'tips' as const,
      of: `node ${each.node}`,
      unit: 'heu' as const,
      amount: each.amount,
      open: each.open,
      to,
      calls: only({ tips: [each] }),
    })),
    ...rewards.revenue.map((each) => ({
      kind: 'revenue' as const,
      of: `pod ${each.pod}`,
      unit: 'usd' as const,
      amount: each.amount,
      open: each.open,
      to,
      calls: only({ revenue: [each] }),
    })),
    ...rewards.emission.map((each) => ({
      kind: 'emission' as const,
      of: `node ${each.node}`,
      unit: 'heu' as const,
      amount: each.amount,
      open: false,
      to: shares.find(({ role, id }) => role === 'node' && id === each.node)?.payout ?? account,
      calls: only({ emission: [each] }),
    })),
    ...shares
      .filter(({ claimable }) => claimable > 0n)
      .map((each) => ({
        kind: 'share' as const,
        of: `${each.role} ${each.id}`,
        unit: 'usd' as const,
        amount: each.claimable,
        open: false,
        to: each.payout,
        calls: claimCalls(economy.ledger, router, [each]),
      })),
    ...(rewards.refund > 0n
      ? [
          {
            kind: 'refund' as const,
            of: '',
            unit: 'heu' as const,
            amount: rewards.refund,
            open: false,
            to,
            calls: only({ refund: rewards.refund }),
          },
        ]
      : []),
  ]
}

/** The calls for all of it: what must be closed first, then one claim for each kind. Pure. */
export const allCalls = (economy: Economy, { rewards, shares }: Dues): Call[] => [
  ...closingCalls(economy, rewards),
  ...claimCalls(economy.ledger, rewards.router, shares),
  ...rewardCalls(economy, rewards),
]
