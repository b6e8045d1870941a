import { type Address, createWalletClient, http } from 'viem'
import { readAccount } from '../../../../sdk/chain/accounts.ts'
import type { Call } from '../../../../sdk/chain/call.ts'
import { type WalletSender, walletSender } from '../../../../sdk/chain/clients.ts'
import { accountCall } from '../../../../sdk/chain/deposits.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { Place } from './deposit.ts'
import { accountOf } from './keys.ts'
import type { KeyRecord } from './store.ts'
import { connect, type Wallet, walletClient } from './wallets.ts'

/** Whether the key owns itself, as one without a wallet does. */
export const isOwn = ({ address }: Pick<KeyRecord, 'address'>, owner: Address): boolean =>
  owner.toLowerCase() === address

/**
 * Who sends in the name of `from`: the key itself, which asks nobody, or the wallet that funded it.
 *
 * @param from  The key's owner, or the giver of its deposit.
 * @throws `wallet.missing`, `wallet.of_another` (refused); what {@link connect} throws.
 */
export async function senderOf(
  { chain }: Place,
  record: KeyRecord,
  from: Address,
  wallet: Wallet | undefined,
): Promise<WalletSender> {
  if (isOwn(record, from)) {
    const account = await accountOf(record)
    // It never sends a second time by itself: what failed may have been taken.
    const transport = http(chain.rpcUrl, { retryCount: 0 })
    const client = createWalletClient({ account, chain: chain.client.chain, transport })
    return walletSender(chain, client, account.address)
  }
  if (!wallet) {
    throw refused('wallet.missing', `only the wallet ${from} can send this`, {
      fix: 'Open this page in a browser that has that wallet.',
    })
  }
  const account = await connect(wallet, chain.id)
  if (account !== from.toLowerCase()) {
    throw refused('wallet.of_another', `this belongs to ${from}; the wallet shows ${account}`, {
      fix: 'Choose that account in the wallet.',
    })
  }
  return walletSender(chain, walletClient(wallet, account), account)
}

/** Between reading the credit and announcing its withdrawal a batch may take of it. */
const THAW_ATTEMPTS = 4

/**
 * What announces the withdrawal of the credit; the router serves the key no more from then on. Nothing, if that stands on
 * the chain already or there is no credit.
 *
 * @param owed  Charged and not posted yet, with what is in flight: the router still takes it, so it is not announced.
 * @throws `chain.reverted` (refused) if the ledger would refuse it.
 */
export async function thawPlan(
  { chain, ledger, router }: Place,
  { address }: KeyRecord,
  owed: bigint,
): Promise<Call[]> {
  for (let attempt = 1; ; attempt += 1) {
    const { credit, thawing, owner } = await readAccount(chain, ledger, { router, key: address })
    const amount = credit > owed ? credit - owed : credit
    if (credit === 0n || thawing >= amount) return []
    const call = { to: ledger, data: accountCall.thaw(router, address, amount) }
    try {
      await chain.client.estimateGas({ account: /^0x0*$/.test(owner) ? address : owner, ...call })
      return [call]
    } catch (cause) {
      const error = chainError(cause)
      if (attempt === THAW_ATTEMPTS || error.details.error !== 'InsufficientCredit') throw error
    }
  }
}
