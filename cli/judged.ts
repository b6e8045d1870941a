import type { Address } from 'viem'
import { routerBondAbi } from '../sdk/chain/abi.ts'
import { type Chain, openChain } from '../sdk/chain/clients.ts'
import { chainError } from '../sdk/chain/errors.ts'
import { refused } from '../sdk/errors.ts'
import { routerUrlOf } from './account.ts'
import type { Scenery } from './act.ts'
import { homeDir, savedNetwork } from './home.ts'
import { contractsOf, type TrustOptions, trustFor } from './trust.ts'

/** A router that is judged. All but its answers is known without it: it may name a clean address, or another ledger. */
export interface Judged extends Omit<Scenery, 'economy'> {
  chain: Chain
  router: Address
  /** Where its batch data is asked for. */
  routerUrl: string
}

/**
 * @throws `audit.unpinned` (refused) if ledger, chain or the router's address would be the router's word;
 *   `network.missing`, `chain.wrong` (refused), `chain.unreachable` (later).
 */
export async function openJudged(options: TrustOptions): Promise<Judged> {
  const routerUrl = routerUrlOf(options) ?? savedNetwork(homeDir()).router.url
  const { ledger, rpcUrl, router, chainId } = trustFor(options)
  if (!ledger || !rpcUrl || !router) {
    const missing = [
      ...(router ? [] : ['--address ADDRESS']),
      ...(ledger ? [] : ['--ledger ADDRESS']),
      ...(rpcUrl ? [] : ['--rpc URL']),
    ]
    throw refused('audit.unpinned', 'a router is no witness of who it is and where it settles', {
      fix: `Name what you know with ${missing.join(' and ')}: vouchers and Statements name their router.`,
    })
  }
  const chain = openChain({ chainId: chainId ?? (await chainIdAt(rpcUrl)), rpcUrl })
  const contracts = await contractsOf(chain, ledger)
  const bond = { address: contracts.bond, abi: routerBondAbi } as const
  const heu = await chain.client.readContract({ ...bond, functionName: 'heu' }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return { chain, ledger, router, routerUrl, ...contracts, network: { addresses: { heu } } }
}

/** Of the caller's own node. @throws `chain.unreachable` (later). */
const chainIdAt = (rpcUrl: string): Promise<number> =>
  openChain({ chainId: 0, rpcUrl })
    .client.getChainId()
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
