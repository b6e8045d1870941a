import type { Logger } from 'pino'
import { privateKeyToAccount } from 'viem/accounts'
import { type Chain, keySender } from '../../../sdk/chain/clients.ts'
import { loadKey, type StoredKey } from '../../../sdk/chain/keys.ts'
import { isLocalChain } from '../../../sdk/chain/local.ts'
import type { Network } from '../../../sdk/chain/network.ts'
import type { Accounts } from '../accounts.ts'
import { openBooks } from './books.ts'
import type { CallDeps } from './call.ts'
import { assetDomain, openCashier } from './cashier.ts'
import { openSettler } from './settler.ts'
import type { Terms, X402Config } from './terms.ts'

/** Everything that payments at this door need. */
export interface X402 extends CallDeps {
  /** Who may use the facilitator's doors. */
  facilitator: 'open' | 'key' | 'off'
}

/**
 * Opens the payments of this gateway; what an earlier process left due is taken from now on.
 *
 * @param account  Who pays the router; it is paid, and settles, unless the configuration names others.
 */
export async function openX402(
  config: X402Config,
  parts: { chain: Chain; network: Network; account: StoredKey; accounts: Accounts; log: Logger },
): Promise<X402> {
  const { chain, network, account, accounts, log } = parts
  const { asset } = network.addresses
  const gasKey =
    config.keyFile === undefined ? account : loadKey(config.keyFile, process.env.HEURIST_PASSWORD)
  const terms: Terms = {
    network: `eip155:${network.chainId}`,
    chainId: network.chainId,
    asset,
    payTo: config.payTo ?? (account.address.toLowerCase() as Terms['payTo']),
    ...(await assetDomain(chain, asset)),
  }
  const sender = keySender(chain, privateKeyToAccount(gasKey.privateKey))
  const cashier = openCashier(chain, sender, terms)
  const books = openBooks(accounts.store)
  const settler = openSettler({ books, cashier, terms, log })
  settler.resume()
  return {
    till: accounts.till,
    books,
    cashier,
    settler,
    terms,
    limits: config,
    facilitator: config.facilitator ?? (isLocalChain(network.chainId) ? 'open' : 'key'),
  }
}
