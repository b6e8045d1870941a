import { type Address, createClient, type EIP1193Provider, type Hex, http, numberToHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { sendTransaction } from 'viem/actions'
import type { Chain } from '../../../../sdk/chain/clients.ts'
import type { Economy } from '../../../../sdk/chain/economy.ts'
import { faucet, heuFaucet } from '../../../../sdk/chain/faucet.ts'
import { HEU, USD } from '../../../../sdk/units.ts'
import type { Wallet } from '../session/wallets.ts'
import { DEMO_RDNS, KEPT } from './demo.ts'
import { shelf } from './shelf.ts'

/**
 * A wallet for whoever tries a local chain: a key made in this browser, with play money of the local faucets. It asks
 * nobody before it signs, for there is nothing to lose.
 */

/** What it holds at least after it was given money: HEU wei, and base units of the test dollar. */
const DEMO_HEU = 10_000n * HEU
const DEMO_DOLLARS = 100n * USD

/** The demo wallet of this browser, if one was made. */
export function keptDemo(chain: Chain): Wallet | undefined {
  const key = shelf.getItem(KEPT)
  return key !== null && /^0x[0-9a-f]{64}$/.test(key) ? demoWallet(chain, key as Hex) : undefined
}

/** Makes the key if there is none. */
export function makeDemo(chain: Chain): Wallet {
  const kept = keptDemo(chain)
  if (kept) return kept
  const key = generatePrivateKey()
  shelf.setItem(KEPT, key)
  return demoWallet(chain, key)
}

/** Gas, test dollars and HEU, up to what a demo needs. @throws `faucet.absent` (refused), `chain.*`. */
export async function fillDemo(chain: Chain, { asset, heu }: Economy, account: Address): Promise<void> {
  await faucet(chain, asset, account, DEMO_DOLLARS)
  await heuFaucet(chain, heu, account, DEMO_HEU)
}

interface Transaction {
  to: Address
  data: Hex
  value?: Hex
  gas?: Hex
  nonce?: Hex
}

function demoWallet(chain: Chain, key: Hex): Wallet {
  const account = privateKeyToAccount(key)
  const provider = {
    request: ({ method, params = [] }: { method: string; params?: unknown[] }) =>
      answer(chain, account, method, params),
    on: () => undefined,
    removeListener: () => undefined,
  }
  return {
    id: DEMO_RDNS,
    name: 'Demo wallet',
    rdns: DEMO_RDNS,
    provider: provider as unknown as EIP1193Provider,
  }
}

async function answer(
  chain: Chain,
  account: PrivateKeyAccount,
  method: string,
  params: unknown[],
): Promise<unknown> {
  switch (method) {
    case 'eth_accounts':
    case 'eth_requestAccounts':
      return [account.address]
    case 'eth_chainId':
      return numberToHex(chain.id)
    case 'eth_signTypedData_v4':
      return account.signTypedData(JSON.parse(String(params[1])))
    case 'eth_sendTransaction':
      return send(chain, account, params[0] as Transaction)
    case 'wallet_switchEthereumChain':
      return null
    default:
      return chain.client.request({ method, params } as never)
  }
}

function send(
  chain: Chain,
  account: PrivateKeyAccount,
  { to, data, value, gas, nonce }: Transaction,
): Promise<Hex> {
  const wallet = createClient({ account, chain: chain.client.chain, transport: http(chain.rpcUrl) })
  return sendTransaction(wallet, {
    to,
    data,
    value: BigInt(value ?? '0x0'),
    ...(gas === undefined ? {} : { gas: BigInt(gas) }),
    ...(nonce === undefined ? {} : { nonce: Number(nonce) }),
  })
}
