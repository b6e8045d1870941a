import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext } from 'playwright-core'
import { createWalletClient, type Hex, http } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'

/** A wallet in the page, as an extension puts it there: it signs with a real key, asks nobody, and counts what it asks. */
export interface TestWallet {
  account: PrivateKeyAccount
  /** Every prompt that a person would have seen, by its method. */
  prompts: string[]
  /** Declines the next prompts of these methods. */
  declines: Set<string>
  /** The chain it is on. */
  chainId: number
  /** Chains it knows; to others it must be taught. */
  known: Set<number>
  /** Never answers these methods, as one whose window stays open; what it was asked for waits in `unanswered`. */
  silent: Set<string>
  unanswered: (() => Promise<unknown>)[]
  /** Answers these only once its owner confirms, which `waiting` does. */
  slow: Set<string>
  waiting: (() => void)[]
  /** Happens between its owner's yes and the sending. */
  meddle: (() => Promise<void>) | undefined
}

interface Transaction {
  to: Hex
  data: Hex
  value?: Hex
  gas?: Hex
  nonce?: Hex
}
type Answer = { result: unknown } | { error: { code: number; message: string } }
const fails = (code: number, message: string): Answer => ({ error: { code, message } })

const PROMPTING = new Set([
  'eth_requestAccounts',
  'eth_signTypedData_v4',
  'eth_sendTransaction',
  'wallet_switchEthereumChain',
  'wallet_addEthereumChain',
])

interface Options {
  account: PrivateKeyAccount
  rpcUrl: string
  chainId: number
  /** As it announces itself. */
  name?: string
  /** It gives its transactions numbers of its own, whatever it is told, as some do. */
  numbersItself?: boolean
}

/** Injects a wallet into every page of the context; announced by EIP-6963. Each has another name. */
export async function giveWallet(
  context: BrowserContext,
  { account, rpcUrl, chainId, name = 'Test Wallet', numbersItself = false }: Options,
): Promise<TestWallet> {
  const wallet: TestWallet = {
    account,
    prompts: [],
    declines: new Set(),
    chainId,
    known: new Set([1, chainId]),
    silent: new Set(),
    unanswered: [],
    slow: new Set(),
    waiting: [],
    meddle: undefined,
  }
  let allowed = false
  const client = createWalletClient({ account, transport: http(rpcUrl) })

  const send = ({ to, data, value, gas, nonce }: Transaction): Promise<Hex> =>
    client.sendTransaction({
      to,
      data,
      value: BigInt(value ?? '0x0'),
      ...(gas ? { gas: BigInt(gas) } : {}),
      ...(nonce && !numbersItself ? { nonce: Number(nonce) } : {}),
      chain: null,
    })

  async function answer(method: string, params: unknown[]): Promise<Answer> {
    if (PROMPTING.has(method)) {
      wallet.prompts.push(method)
      if (wallet.declines.has(method)) return fails(4001, 'User rejected the request.')
      if (wallet.silent.has(method)) {
        wallet.unanswered.push(() => reply(method, params))
        return new Promise(() => undefined)
      }
      if (wallet.slow.has(method)) await new Promise<void>((confirm) => wallet.waiting.push(confirm))
    }
    return reply(method, params)
  }

  async function reply(method: string, params: unknown[]): Promise<Answer> {
    switch (method) {
      case 'eth_accounts':
        return { result: allowed ? [account.address] : [] }
      case 'eth_requestAccounts':
        allowed = true
        return { result: [account.address] }
      case 'eth_chainId':
        return { result: `0x${wallet.chainId.toString(16)}` }
      case 'eth_signTypedData_v4':
        return { result: await account.signTypedData(JSON.parse(String(params[1]))) }
      case 'eth_sendTransaction': {
        await wallet.meddle?.()
        return { result: await send(params[0] as Transaction) }
      }
      case 'wallet_switchEthereumChain': {
        const wanted = Number((params[0] as { chainId: Hex }).chainId)
        if (!wallet.known.has(wanted)) return fails(4902, 'Unrecognized chain ID.')
        wallet.chainId = wanted
        return { result: null }
      }
      case 'wallet_addEthereumChain':
        wallet.chainId = Number((params[0] as { chainId: Hex }).chainId)
        wallet.known.add(wallet.chainId)
        return { result: null }
      default:
        return { result: await client.request({ method, params } as never) }
    }
  }

  const channel = `wallet${name.replaceAll(/\W/g, '')}`
  await context.exposeFunction(channel, (method: string, params: unknown[]) => answer(method, params))
  const about = JSON.stringify({ name, channel })
  await context.addInitScript({ content: `(() => { const about = ${about}; ${PAGE} })()` })
  return wallet
}

const PAGE = readFileSync(join(import.meta.dirname, 'wallet-page.mjs'), 'utf8')
