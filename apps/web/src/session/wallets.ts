import {
  type Address,
  createClient,
  custom,
  type EIP1193Provider,
  numberToHex,
  type WalletClient,
} from 'viem'
import { sendTransaction, signTypedData } from 'viem/actions'
import { refused } from '../../../../sdk/errors.ts'
import type { PageConfig } from '../network/config.ts'
import { walletCode } from './words.ts'

/** A wallet that the browser offers. */
export interface Wallet {
  id: string
  name: string
  /** Its maker's name in reverse, the same in every visit, as the id is not. */
  rdns: string
  provider: EIP1193Provider
}

interface Announced {
  info: { uuid: string; name: string; rdns: string }
  provider: EIP1193Provider
}

const found = new Map<string, Wallet>()
const listeners = new Set<() => void>()
let list: Wallet[] = []

/** Puts a wallet on the list, once. */
export function offerWallet(wallet: Wallet): void {
  if (found.has(wallet.id)) return
  found.set(wallet.id, wallet)
  list = [...found.values()]
  for (const listen of listeners) listen()
}

/** Wallets that announce themselves (EIP-6963), and one that only puts itself at `window.ethereum`. */
export function findWallets(): void {
  window.addEventListener('eip6963:announceProvider', announced)
  window.dispatchEvent(new Event('eip6963:requestProvider'))
  window.setTimeout(() => {
    const { ethereum } = window as { ethereum?: EIP1193Provider }
    if (ethereum && found.size === 0)
      offerWallet({ id: 'injected', name: 'Browser wallet', rdns: 'injected', provider: ethereum })
  }, 200)
}

function announced(event: Event): void {
  const { info, provider } = (event as CustomEvent<Announced>).detail
  offerWallet({ id: info.uuid, name: info.name, rdns: info.rdns, provider })
}

export const wallets = (): Wallet[] => list
export function onWallets(listen: () => void): () => void {
  listeners.add(listen)
  return () => listeners.delete(listen)
}

/**
 * The wallet's account, on the chain of this page. Asks the wallet's owner only if the page was never allowed in.
 *
 * @throws `wallet.empty`, `wallet.wrong_chain` (refused); what the wallet throws.
 */
export async function connect({ provider }: Wallet, chainId: number): Promise<Address> {
  const known = await provider.request({ method: 'eth_accounts' })
  const [account] = known.length > 0 ? known : await provider.request({ method: 'eth_requestAccounts' })
  if (account === undefined) {
    throw refused('wallet.empty', 'the wallet shows no account', { fix: 'Unlock it and choose one.' })
  }
  const actual = Number(await provider.request({ method: 'eth_chainId' }))
  if (actual !== chainId) {
    throw refused(
      'wallet.wrong_chain',
      `your wallet is on chain ${actual}; this network is chain ${chainId}`,
      {
        fix: 'Switch the wallet to this network. Nothing was signed.',
        details: { actual, expected: chainId },
      },
    )
  }
  return account.toLowerCase() as Address
}

/** The wallet does not know the chain. */
const UNKNOWN_CHAIN = 4902

/** Asks the wallet to go to the chain of this page, and to learn it first if it must. */
export async function switchChain(
  { provider }: Wallet,
  { chainId, rpcUrl }: Pick<PageConfig, 'chainId' | 'rpcUrl'>,
): Promise<void> {
  const id = numberToHex(chainId)
  try {
    await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: id }] })
  } catch (cause) {
    if (walletCode(cause) !== UNKNOWN_CHAIN) throw cause
    const chain = {
      chainId: id,
      chainName: `Heurist ${chainId}`,
      rpcUrls: [rpcUrl],
      nativeCurrency: { name: 'Base token', symbol: 'BASE', decimals: 18 },
    }
    await provider.request({ method: 'wallet_addEthereumChain', params: [chain] })
  }
}

/** What a wallet is asked for here; viem's own wallet client carries all that one can be asked for. */
type Signer = Pick<WalletClient, 'account' | 'sendTransaction' | 'signTypedData'>

/** It never asks a second time by itself: what failed may have been sent. */
export function walletClient({ provider }: Wallet, account: Address): Signer {
  const client = createClient({ account, transport: custom(provider, { retryCount: 0 }) })
  const signer = {
    account: client.account,
    sendTransaction: (request: never) => sendTransaction(client, request),
    signTypedData: (data: never) => signTypedData(client, data),
  }
  return signer as unknown as Signer
}
