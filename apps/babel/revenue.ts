import type { Chain } from '../../sdk/chain/clients.ts'
import { claimablesOf } from '../../sdk/chain/payees.ts'
import { type Client, formatUsd, type Network } from '../../sdk/index.ts'
import { dayOf, type Work } from './work.ts'

/** What this frontend earned, by the chain, and what its account spent. Dollars with six decimals. */
export interface Revenue {
  frontend: number
  /** Where the share goes; null without a frontend. */
  payout: string | null
  router: string
  /** Of all calls that are settled: their prices, and the share of them. */
  gross: string
  claimable: string
  claimed: string
  payer: string
  charged: string
  available: string
  spentToday: string
}

interface Deps {
  chain: Chain
  network: Network
  frontend: number
  client: Pick<Client, 'balance'>
  work: Work
}

/** Asks the chain each time. @throws `chain.unreachable`, `router.unreachable` (later). */
export async function readRevenue({ chain, network, frontend, client, work }: Deps): Promise<Revenue> {
  const { ledger, registry } = network.addresses
  const router = network.router.address
  const payees = frontend === 0 ? [] : [{ role: 'frontend' as const, id: frontend }]
  const [[earned], { payer, charged, available }] = await Promise.all([
    claimablesOf(chain, { ledger, registry }, router, payees),
    client.balance(),
  ])
  return {
    frontend,
    payout: earned?.payout ?? null,
    router,
    gross: formatUsd(earned?.gross ?? 0n),
    claimable: formatUsd(earned?.claimable ?? 0n),
    claimed: formatUsd(earned?.claimed ?? 0n),
    payer,
    charged: formatUsd(charged),
    available: formatUsd(available),
    spentToday: formatUsd(work.spentOn(dayOf(Date.now()))),
  }
}

/** The same in lines, as `/babel revenue` shows it. */
export const revenueText = (revenue: Revenue): string =>
  [
    `Frontend ${revenue.frontend}, paid to ${revenue.payout ?? 'nobody'}`,
    `- settled calls: $${revenue.gross}`,
    `- its share: $${revenue.claimable} to claim, $${revenue.claimed} claimed`,
    `- spent: $${revenue.charged} in all, $${revenue.spentToday} today; $${revenue.available} of credit left`,
  ].join('\n')
