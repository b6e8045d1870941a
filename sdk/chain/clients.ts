import { type Address, defineChain, type Hex, http, type TransactionReceipt, type WalletClient } from 'viem'
import { refused } from '../errors.ts'
import type { Call } from './call.ts'
import { chainError } from './errors.ts'
import { includedOfWallet } from './inclusion.ts'
import { type ReadingClient, readingClient } from './reading.ts'

/** One EVM chain: a plain definition, without formatters of any stack, so that every ZK Stack chain fits. */
export interface Chain {
  readonly id: number
  readonly rpcUrl: string
  readonly client: ReadingClient
  /**
   * Fails unless the chain at `rpcUrl` has this id. Asked once.
   *
   * @throws `chain.wrong` (refused), `chain.unreachable` (later).
   */
  check(): Promise<void>
}

export interface ChainPlace {
  chainId: number
  rpcUrl: string
  /** How its node is asked; absent: by `fetch`. Servers that ask much take `rpcFetch` of `nodeHttp`. */
  fetchFn?: typeof fetch
}

/** Reads in one tick travel as one HTTP request. Nothing is asked before the first read. */
export function openChain({ chainId, rpcUrl, fetchFn }: ChainPlace): Chain {
  const chain = defineChain({
    id: chainId,
    name: `Chain ${chainId}`,
    nativeCurrency: { name: 'Base token', symbol: 'BASE', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
    fees: { baseFeeMultiplier: 2 },
  })
  const client = readingClient({
    chain,
    transport: http(rpcUrl, {
      batch: { batchSize: 100 },
      timeout: 15_000,
      retryCount: 2,
      ...(fetchFn === undefined ? {} : { fetchFn }),
    }),
    cacheTime: 0,
    pollingInterval: 200,
  })
  let checked: Promise<void> | undefined

  async function ask(): Promise<void> {
    const actual = await client.getChainId().catch((cause: unknown) => {
      throw chainError(cause)
    })
    if (actual !== chainId) {
      throw refused('chain.wrong', `the RPC URL is of chain ${actual}, not of chain ${chainId}`, {
        fix: 'Use the RPC URL of the chain that the ledger lives on.',
        details: { actual, expected: chainId },
      })
    }
  }

  return {
    id: chainId,
    rpcUrl,
    client,
    check() {
      checked ??= ask().catch((cause: unknown) => {
        checked = undefined
        throw cause
      })
      return checked
    },
  }
}

/** Sends transactions of one account, one after the other. */
export interface Sender {
  readonly address: Address
  /**
   * Sends the call and waits until it is in a block.
   *
   * @throws `chain.reverted`, `gas.insufficient` (refused), `chain.unreachable`, `chain.slow` (later).
   */
  send(call: Call): Promise<TransactionReceipt>
}

/** Room above the estimate: state moves between the estimate and the block. */
export const withMargin = (gas: bigint): bigint => gas + gas / 4n + 10_000n

/** A sender behind a wallet, which keeps the nonces itself, in one step or in two. */
export interface WalletSender extends Sender {
  /** Whether the account's key is here, so that its transactions are numbered as they are told to be. */
  readonly holdsKey: boolean
  /**
   * Makes the call without sending it.
   *
   * @returns the gas to send it with.
   * @throws `chain.reverted` (refused) if the contract would refuse it, `gas.insufficient` (refused).
   */
  simulate(call: Call): Promise<bigint>
  /**
   * Has the wallet ask its owner, and send. @returns the hash; no block holds it yet.
   *
   * @param nonce  Wanted of the wallet, which may choose another one.
   * @throws what the wallet throws.
   */
  submit(call: Call, terms: { gas: bigint; nonce?: number }): Promise<Hex>
}

export function walletSender(
  chain: Chain,
  wallet: Pick<WalletClient, 'account' | 'sendTransaction'>,
  address: Address,
): WalletSender {
  const requestOf = ({ to, data, value = 0n }: Call) => ({ to, data, value })

  async function simulate(call: Call): Promise<bigint> {
    try {
      return withMargin(await chain.client.estimateGas({ account: address, ...requestOf(call) }))
    } catch (cause) {
      throw chainError(cause)
    }
  }

  const submit = (call: Call, terms: { gas: bigint; nonce?: number }): Promise<Hex> =>
    wallet.sendTransaction({
      account: wallet.account ?? address,
      chain: chain.client.chain,
      ...terms,
      ...requestOf(call),
    })

  return {
    address,
    holdsKey: wallet.account?.type === 'local',
    simulate,
    submit,
    async send(call) {
      await chain.check()
      try {
        return await includedOfWallet(chain, await submit(call, { gas: await simulate(call) }))
      } catch (cause) {
        throw chainError(cause)
      }
    },
  }
}
