import type { Address } from 'viem'
import { type KeyAccount, readAccount } from '../../../../sdk/chain/accounts.ts'
import { openChain } from '../../../../sdk/chain/clients.ts'
import { fetchNetwork, type Network } from '../../../../sdk/chain/network.ts'
import { chainReader } from '../../../../sdk/chain/reader.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { PageConfig } from '../network/config.ts'
import type { Place } from './deposit.ts'
import { forgetKey } from './keys.ts'
import type { KeyRecord, SessionDb } from './store.ts'
import type { Former } from './view.ts'
import { isOwn } from './withdraw.ts'

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
export const keyAt = ({ router }: Place, { address }: KeyRecord) => ({ router, key: address })
export const ownerOf = (owner: Address, key: Address): Address =>
  /^0x0*$/.test(owner) ? key : (owner.toLowerCase() as Address)

/** A key of this browser as the ledger has it. */
export interface KnownKey {
  record: KeyRecord
  account: KeyAccount
}

export const readKeys = (place: Place, records: readonly KeyRecord[]): Promise<KnownKey[]> =>
  Promise.all(
    records.map(async (record) => ({
      record,
      account: await readAccount(place.chain, place.ledger, keyAt(place, record)),
    })),
  )

/** Whether calls can be paid by it: whoever announced the withdrawal of its credit, no router serves it then. */
export const isUsable = ({ record, account }: KnownKey): boolean =>
  record.revokedAt === undefined && account.thawing === 0n

/** What keys that are used no more still hold; those that hold nothing, and will not, are forgotten. */
export async function formerOf(db: SessionDb, keys: readonly KnownKey[]): Promise<Former[]> {
  const all = await Promise.all(
    keys.map(async ({ record, account }): Promise<Former | undefined> => {
      if (account.credit === 0n) {
        const waits = record.signed !== undefined && record.signed.validBefore * 1000 > Date.now()
        if (!waits) await forgetKey(db, record.address)
        return undefined
      }
      const owner = ownerOf(account.owner, record.address)
      const { credit, thawing } = account
      const thawedAt = thawing > 0n ? account.thawedAt : 0
      return { key: record.address, owner, own: isOwn(record, owner), left: credit, thawing, thawedAt }
    }),
  )
  return all.filter((each) => each !== undefined)
}
