import type { Address } from 'viem'
import { openChain } from '../../../../sdk/chain/clients.ts'
import { fetchNetwork } from '../../../../sdk/chain/network.ts'
import { claimablesOf } from '../../../../sdk/chain/payees.ts'
import { chainReader } from '../../../../sdk/chain/reader.ts'
import type { PageConfig } from './config.ts'

export interface Earned {
  /** Claimed and claimable with this page's router, base units. */
  earned: bigint
  payout: Address
}

/** What a frontend earned with this page's router, by the ledger this page trusts. */
export async function readEarned(config: PageConfig, frontend: number): Promise<Earned> {
  const { routerUrl, rpcUrl, chainId, ledger } = config
  const { router } = await fetchNetwork(routerUrl)
  const chain = openChain({ chainId, rpcUrl })
  const { registry } = await chainReader(chain, { ledger, registry: ledger }).addresses()
  const [found] = await claimablesOf(chain, { ledger, registry }, router.address, [
    { role: 'frontend', id: frontend },
  ])
  if (!found) throw new Error(`the ledger knows no frontend ${frontend}`)
  return { earned: found.claimed + found.claimable, payout: found.payout }
}
