import type { Logger } from 'pino'
import type { Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Chain } from '../../../sdk/chain/clients.ts'
import { keySender } from '../../../sdk/chain/key-sender.ts'
import { loadKey, type StoredKey } from '../../../sdk/chain/keys.ts'
import { isLocalChain } from '../../../sdk/chain/local-chains.ts'
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

export interface X402Parts {
  chain: Chain
  network: Pick<Network, 'chainId' | 'addresses'>
  /** Who pays the router; it is paid, and settles, unless the configuration names others. */
  account: StoredKey
  accounts: Pick<Accounts, 'store' | 'till'>
  log: Pick<Logger, 'info' | 'warn'>
}

/** Opens the payments of this gateway. @throws what the chain throws if the asset has no EIP-712 domain. */
export async function openX402(config: X402Config, parts: X402Parts): Promise<X402> {
  const domain = await assetDomain(parts.chain, parts.network.addresses.asset)
  const x402 = assemble(config, domain, parts)
  x402.settler.resume()
  return x402
}

/** @param domain  Of the asset. */
export function assemble(
  config: X402Config,
  domain: Pick<Terms, 'name' | 'version'>,
  { chain, network, account, accounts, log }: X402Parts,
): X402 {
  const terms: Terms = {
    ...domain,
    network: `eip155:${network.chainId}`,
    chainId: network.chainId,
    asset: network.addresses.asset,
    payTo: config.payTo ?? (account.address.toLowerCase() as Address),
  }
  const { privateKey } =
    config.keyFile === undefined ? account : loadKey(config.keyFile, process.env.HEURIST_PASSWORD)
  const cashier = openCashier(chain, keySender(chain, privateKeyToAccount(privateKey)), terms)
  const books = openBooks(accounts.store)
  return {
    till: accounts.till,
    books,
    cashier,
    settler: openSettler({ books, cashier, terms, log }),
    terms,
    live: new Set(),
    limits: config,
    facilitator: config.facilitator ?? (isLocalChain(network.chainId) ? 'open' : 'off'),
  }
}
