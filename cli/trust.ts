import { existsSync } from 'node:fs'
import { type Address, isAddress } from 'viem'
import { computeLedgerAbi } from '../sdk/chain/abi.ts'
import { type Chain, openChain } from '../sdk/chain/clients.ts'
import { chainError } from '../sdk/chain/errors.ts'
import type { Network } from '../sdk/chain/network.ts'
import { refused } from '../sdk/errors.ts'
import { same } from '../sdk/recover.ts'
import { networkFor, routerUrlOf } from './account.ts'
import { homeDir, networkFile, savedNetwork } from './home.ts'

/** Options of every command that must know for itself where the money lives. */
export interface TrustOptions {
  router?: string
  ledger?: string
  rpc?: string
  /** Of the router, as its payers and payees know it. */
  address?: string
}

/** What this command knows without asking a router: named by the caller, else by the network of this home. */
export interface Trust {
  ledger?: Address
  rpcUrl?: string
  chainId?: number
  router?: Address
}

/** Whatever is named, the chain is looked at through a door of the caller's or of this home, if there is one. */
export function trustFor(options: TrustOptions): Trust {
  const text = options.ledger ?? process.env.HEURIST_LEDGER
  const home = existsSync(networkFile(homeDir())) ? savedNetwork(homeDir()) : undefined
  const ledger = text === undefined ? home?.addresses.ledger : addressOf(text, '--ledger')
  const rpcUrl = options.rpc ?? process.env.HEURIST_RPC_URL ?? home?.rpcUrl
  const isHomes = home && same(ledger, home.addresses.ledger)
  const router =
    options.address === undefined ? isHomes && ofHome(home, options) : addressOf(options.address, '--address')
  return {
    ...(ledger ? { ledger } : {}),
    ...(rpcUrl ? { rpcUrl } : {}),
    ...(isHomes ? { chainId: home.chainId } : {}),
    ...(router ? { router } : {}),
  }
}

/** The address of the home's router, unless another one is asked: at another address may be another router. */
function ofHome({ router }: Network, options: TrustOptions): Address | undefined {
  const url = routerUrlOf(options)
  return url === undefined || url === router.url ? router.address : undefined
}

/** Where the money lives: a chain, its ledger, and the contracts that the ledger itself names. */
export interface Place {
  chain: Chain
  network: Network
  ledger: Address
  asset: Address
  registry: Address
  bond: Address
  /** Of the router. */
  router: Address
  /** Whether the caller or this home named ledger and chain; if not, one of them is the router's word. */
  pinned: boolean
}

/**
 * @throws `ledger.differs`, `chain.differs` (refused) if the router names another ledger or chain than is known here.
 */
export async function openPlace(options: TrustOptions): Promise<Place> {
  const network = await networkFor(options)
  const trust = trustFor(options)
  const fix = 'Ask another router, or name the ledger that you trust with --ledger ADDRESS.'
  const named = network.addresses.ledger
  if (trust.ledger !== undefined && !same(trust.ledger, named)) {
    throw refused('ledger.differs', `the router names ledger ${named}, not ${trust.ledger}`, { fix })
  }
  if (trust.chainId !== undefined && trust.chainId !== network.chainId) {
    throw refused('chain.differs', `the router names chain ${network.chainId}, not ${trust.chainId}`, { fix })
  }
  const chain = openChain({ chainId: network.chainId, rpcUrl: trust.rpcUrl ?? network.rpcUrl })
  const contracts = await contractsOf(chain, named)
  const pinned = trust.ledger !== undefined && trust.rpcUrl !== undefined
  return { chain, network, ledger: named, ...contracts, router: network.router.address, pinned }
}

/**
 * The contracts that a ledger itself names.
 *
 * @throws `chain.wrong` (refused), `chain.unreachable` (later).
 */
export async function contractsOf(
  chain: Chain,
  address: Address,
): Promise<Pick<Place, 'asset' | 'registry' | 'bond'>> {
  await chain.check()
  const ledger = { address, abi: computeLedgerAbi } as const
  const [asset, registry, bond] = await Promise.all([
    chain.client.readContract({ ...ledger, functionName: 'asset' }),
    chain.client.readContract({ ...ledger, functionName: 'registry' }),
    chain.client.readContract({ ...ledger, functionName: 'bond' }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return { asset, registry, bond }
}

/** @throws `address.invalid` (refused) naming the option. */
export function addressOf(text: string, option: string): Address {
  if (isAddress(text, { strict: false })) return text.toLowerCase() as Address
  throw refused('address.invalid', `${option}: '${text}' is no address`, {
    fix: 'It is 0x and 40 hexadecimal digits.',
  })
}
