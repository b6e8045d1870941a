import type { Address } from 'viem'
import { readAccount } from '../../../../sdk/chain/accounts.ts'
import { keySender, type Sender, walletSender } from '../../../../sdk/chain/clients.ts'
import { accountCall } from '../../../../sdk/chain/deposits.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import type { Place } from './deposit.ts'
import { accountOf } from './keys.ts'
import type { KeyRecord } from './store.ts'
import { connect, type Wallet, walletClient } from './wallets.ts'

/** Whether the key owns itself, as one without a wallet does. */
export const isOwn = ({ address }: KeyRecord, owner: Address): boolean => owner.toLowerCase() === address

/**
 * Who may withdraw the key's account: the key itself, or the wallet that funded it.
 *
 * @throws `wallet.missing`, `wallet.of_another` (refused); what {@link connect} throws.
 */
export async function ownerSender(
  { chain, ledger, router }: Place,
  record: KeyRecord,
  wallet: Wallet | undefined,
  say: (doing: string) => void,
): Promise<Sender> {
  const { owner } = await readAccount(chain, ledger, { router, key: record.address })
  if (/^0x0*$/.test(owner) || isOwn(record, owner)) return keySender(chain, await accountOf(record))
  if (!wallet) {
    throw refused('wallet.missing', `only the wallet ${owner} may withdraw this credit`, {
      fix: 'Open this page in a browser that has that wallet.',
    })
  }
  const account = await connect(wallet, chain.id)
  if (account !== owner.toLowerCase()) {
    throw refused('wallet.of_another', `this credit belongs to ${owner}; the wallet shows ${account}`, {
      fix: 'Choose that account in the wallet.',
    })
  }
  say('Confirm in your wallet.')
  return walletSender(chain, walletClient(wallet, account), account)
}

/** Between reading the credit and announcing its withdrawal a batch may take of it. */
const THAW_ATTEMPTS = 4

/**
 * Announces the withdrawal of the credit; the router serves the key no more from then on.
 *
 * @param owed  Charged and not posted yet, with what is in flight: the router still takes it, so it is not announced.
 */
export async function thawAll(place: Place, { address }: KeyRecord, owner: Sender, owed = 0n): Promise<void> {
  const { chain, ledger, router } = place
  for (let attempt = 1; ; attempt += 1) {
    const { credit, thawing } = await readAccount(chain, ledger, { router, key: address })
    const amount = credit > owed ? credit - owed : credit
    if (credit === 0n || thawing >= amount) return
    try {
      await owner.send({ to: ledger, data: accountCall.thaw(router, address, amount) })
      return
    } catch (cause) {
      const { details } = asHeuristError(cause)
      if (attempt === THAW_ATTEMPTS || details.error !== 'InsufficientCredit') throw cause
    }
  }
}

/** Draws what a revoked key still holds, announcing it first if that was never done. */
export async function payOut(place: Place, record: KeyRecord, owner: Sender): Promise<void> {
  const { ledger, router, chain } = place
  const { thawing } = await readAccount(chain, ledger, { router, key: record.address })
  if (thawing === 0n) return thawAll(place, record, owner)
  await owner.send({ to: ledger, data: accountCall.withdraw(router, record.address) })
}
