import { type Address, createClient, http } from 'viem'
import { type WalletSender, walletSender } from '../../../../sdk/chain/clients.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { Place } from './deposit.ts'
import { accountOf } from './keys.ts'
import { isOwn } from './known.ts'
import type { KeyRecord } from './store.ts'
import { connect, signerBehind, type Wallet, walletClient } from './wallets.ts'

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
    const client = createClient({ account, chain: chain.client.chain, transport })
    return walletSender(chain, await signerBehind(client), account.address)
  }
  if (!wallet) {
    throw refused('wallet.missing', `only the wallet ${from} can send this`, {
      fix: 'Open this page in a browser that has that wallet.',
    })
  }
  const account = await connect(wallet, chain.id)
  if (account !== from.toLowerCase()) {
    throw refused('wallet.of_another', `this belongs to ${from}; the wallet shows ${account}`, {
      fix: 'Choose that account in the wallet, or the wallet that has it.',
    })
  }
  return walletSender(chain, await walletClient(wallet, account), account)
}
