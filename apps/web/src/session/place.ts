import type { Address } from 'viem'
import { openChain } from '../../../../sdk/chain/clients.ts'
import { fetchNetwork, type Network } from '../../../../sdk/chain/network.ts'
import { chainReader } from '../../../../sdk/chain/reader.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { PageConfig } from '../network/config.ts'
import type { Place } from './deposit.ts'

/** Where this page's keys pay, by the router's description, held against what the page itself trusts. */
export function openPlace(config: PageConfig): () => Promise<Place> {
  const chain = openChain({ chainId: config.chainId, rpcUrl: config.rpcUrl })
  const trusted = config.ledger.toLowerCase()
  const reader = chainReader(chain, { ledger: config.ledger, registry: config.ledger })
  let network: Network | undefined
  return async () => {
    const told = network ?? (await fetchNetwork(config.routerUrl))
    const { router, addresses, chainId } = told
    if (chainId !== config.chainId || addresses.ledger !== trusted) {
      throw refused('network.differs', 'the router serves another ledger than this page trusts', {
        fix: 'Tell the operator of this page. Nothing was signed.',
      })
    }
    if (network === undefined) checkAddresses(told, await reader.addresses())
    network = told
    await chain.check()
    return { chain, ledger: addresses.ledger, asset: addresses.asset, router: router.address }
  }
}

/** What the ledger itself says of its registry and asset is what the money obeys. */
function checkAddresses({ addresses }: Network, ledger: { registry: Address; asset: Address }): void {
  const { registry, asset } = ledger
  if (registry.toLowerCase() === addresses.registry && asset.toLowerCase() === addresses.asset) return
  throw refused('network.untrue', 'the ledger knows another registry or asset than the router names', {
    fix: 'Tell the operator of this page. Nothing was signed.',
    details: { registry, asset },
  })
}

export const placeOf = ({ chain, ledger, router }: Place) => ({ chainId: chain.id, ledger, router })
