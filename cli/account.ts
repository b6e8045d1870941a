import { join } from 'node:path'
import type { Hex } from 'viem'
import { loadKey } from '../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../sdk/chain/local.ts'
import { isLocalChain } from '../sdk/chain/local-chains.ts'
import { fetchNetwork, type Network } from '../sdk/chain/network.ts'
import { refused } from '../sdk/errors.ts'
import { type Client, createClient } from '../sdk/index.ts'
import { fileJournal } from '../sdk/journal-file.ts'
import { homeDir, savedNetwork } from './home.ts'

/** Options of every command that pays or reads an account. */
export interface AccountOptions {
  router?: string
  keyFile?: string
}

/** The router that is named, if not that of this home. */
export const routerUrlOf = (options: Pick<AccountOptions, 'router'>): string | undefined =>
  options.router ?? process.env.HEURIST_ROUTER_URL

/** The network that a command talks to: the one named, else the one of this home. */
export async function networkFor(options: AccountOptions): Promise<Network> {
  const url = routerUrlOf(options)
  return url === undefined ? savedNetwork(homeDir()) : fetchNetwork(url)
}

/**
 * The key that pays: a key file, HEURIST_KEY, or on a local chain the demo payer's, which everybody knows.
 *
 * @throws `key.missing` (refused) on a real chain without one.
 */
export function payerKey(options: AccountOptions, network: Network): Hex {
  if (options.keyFile) return loadKey(options.keyFile, process.env.HEURIST_PASSWORD).privateKey
  if (process.env.HEURIST_KEY) return process.env.HEURIST_KEY as Hex
  if (isLocalChain(network.chainId)) return localKey(LOCAL_KEY.payer)
  throw refused('key.missing', 'no key to pay with', {
    fix: 'Name a key file with --key-file (password in HEURIST_PASSWORD), or set HEURIST_KEY.',
  })
}

/** A client of that network with its journal in this home. */
export async function openClient(options: AccountOptions): Promise<{ client: Client; network: Network }> {
  const network = await networkFor(options)
  const client = createClient({
    routerUrl: network.router.url,
    key: payerKey(options, network),
    chain: { rpcUrl: network.rpcUrl, chainId: network.chainId, ledger: network.addresses.ledger },
    journal: fileJournal(join(homeDir(), 'journal')),
  })
  return { client, network }
}
