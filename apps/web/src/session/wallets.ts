import {
  type Account,
  type Address,
  type Chain,
  type Client,
  createClient,
  custom,
  type EIP1193Provider,
  numberToHex,
  type Transport,
  type WalletClient,
} from 'viem'
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

/** What an extension says of itself: anything may stand in it, or nothing. */
interface Announced {
  info?: { uuid?: unknown; name?: unknown; rdns?: unknown }
  provider?: Partial<EIP1193Provider>
}

const NAMELESS = 'Browser wallet'
const MOST_NAME = 32

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
      offerWallet({ id: 'injected', name: NAMELESS, rdns: 'injected', provider: ethereum })
  }, 200)
}

function announced(event: Event): void {
  const wallet = walletOf((event as CustomEvent<unknown>).detail)
  if (wallet) offerWallet(wallet)
}

/** The wallet that an announcement offers; undefined if none can be asked. Pure. */
export function walletOf(detail: unknown): Wallet | undefined {
  const { info, provider } = (detail ?? {}) as Announced
  if (typeof provider?.request !== 'function') return undefined
  const rdns = textOf(info?.rdns) ?? 'unnamed'
  const name = nameOf(textOf(info?.name) ?? '')
  return { id: textOf(info?.uuid) ?? rdns, name, rdns, provider: provider as EIP1193Provider }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** A name as a button can bear it: one short line, without signs that nobody sees or that turn the line around. */
function nameOf(told: string): string {
  const name = [...told.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()]
  if (name.length === 0) return NAMELESS
  return name.length <= MOST_NAME ? name.join('') : `${name.slice(0, MOST_NAME - 1).join('')}…`
}

/** Calls when the wallet shows another account or chain; some wallets tell nobody. */
export function onWalletChange({ provider }: Wallet, listen: () => void): void {
  const { on } = provider as Partial<EIP1193Provider>
  if (typeof on !== 'function') return
  on.call(provider, 'accountsChanged', listen)
  on.call(provider, 'chainChanged', listen)
}

export const wallets = (): Wallet[] => list
export function onWallets(listen: () => void): () => void {
  listeners.add(listen)
  return () => listeners.delete(listen)
}

/** The accounts that a wallet lets this page see, asking nobody; none if it does not tell. */
export async function accountsOf({ provider }: Pick<Wallet, 'provider'>): Promise<Address[]> {
  return accountsIn(await provider.request({ method: 'eth_accounts' }).catch(() => undefined))
}

/** What a wallet answers when it is asked for accounts: some that are locked answer nothing at all. Pure. */
export const accountsIn = (answer: unknown): Address[] =>
  Array.isArray(answer)
    ? answer.flatMap((each) => (typeof each === 'string' ? [each.toLowerCase() as Address] : []))
    : []

/**
 * The wallet's account, on the chain of this page. Asks the wallet's owner only if the page was never allowed in.
 *
 * @throws `wallet.empty`, `wallet.wrong_chain` (refused); what the wallet throws.
 */
export async function connect({ provider }: Pick<Wallet, 'provider'>, chainId: number): Promise<Address> {
  const known = accountsIn(await provider.request({ method: 'eth_accounts' }))
  const [account] =
    known.length > 0 ? known : accountsIn(await provider.request({ method: 'eth_requestAccounts' }))
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
  return account
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

/** What is asked of who signs; viem's own wallet client carries all that one can be asked for. */
type Signer = Pick<WalletClient, 'account' | 'sendTransaction' | 'signTypedData'>

export async function signerBehind(client: Client<Transport, Chain | undefined, Account>): Promise<Signer> {
  const { sendTransaction, signTypedData } = await import('./signing.ts')
  const signer = {
    account: client.account,
    sendTransaction: (request: never) => sendTransaction(client, request),
    signTypedData: (data: never) => signTypedData(client, data),
  }
  return signer as unknown as Signer
}

/** It never asks a second time by itself: what failed may have been sent. */
export const walletClient = ({ provider }: Wallet, account: Address): Promise<Signer> =>
  signerBehind(createClient({ account, transport: custom(provider, { retryCount: 0 }) }))
