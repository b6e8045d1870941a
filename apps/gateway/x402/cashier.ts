import { x402Facilitator } from '@x402/core/facilitator'
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types'
import type { FacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import {
  type Abi,
  type Address,
  encodeFunctionData,
  erc20Abi,
  type Hex,
  parseAbi,
  parseEventLogs,
} from 'viem'
import { verifyTypedData } from 'viem/actions'
import type { Chain } from '../../../sdk/chain/clients.ts'
import type { KeySender } from '../../../sdk/chain/key-sender.ts'
import { asHeuristError } from '../../../sdk/errors.ts'
import type { Payment } from './payment.ts'
import type { Terms } from './terms.ts'

/** EIP-3009, as far as a receiver reads it. */
const authorizationAbi = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
])
const domainAbi = parseAbi([
  'function eip712Domain() view returns (bytes1, string name, string version, uint256, address, bytes32, uint256[])',
  'function name() view returns (string)',
  'function version() view returns (string)',
])

const CONFIRM_MS = 30_000

/** What the chain says of an authorisation. */
export type Collected =
  | { is: 'settled'; transaction: Hex }
  /** Never to be had: cancelled, used for something else, or expired. */
  | { is: 'lost'; why: string }
  /** The payer has not enough just now. */
  | { is: 'unfunded'; why: string }
  /** Not known; ask again. */
  | { is: 'unknown'; why: string }

/** The part that speaks to the chain: what x402 calls a facilitator. */
export interface Cashier {
  /** Who pays the gas. */
  readonly signer: Address
  supported(): ReturnType<x402Facilitator['getSupported']>
  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse>
  /**
   * Takes the money of an authorisation, or says why not. Doing it twice is harmless: the token lets a nonce through once,
   * and what went through is found again.
   *
   * @param since  A block before which it was not used.
   * @param own  Whose transactions count: money that another one brought was given for something else. Absent: anybody's do.
   */
  collect(
    payment: Payment,
    requirements: PaymentRequirements,
    since: bigint,
    own?: { sent(): readonly Hex[]; sending(transaction: Hex): void },
  ): Promise<Collected>
  balanceOf(payer: Address): Promise<bigint>
  block(): Promise<bigint>
}

/** Name and version under which the asset's holders sign. @throws what viem throws if it has none. */
export async function assetDomain(
  { client }: Chain,
  asset: Address,
): Promise<{ name: string; version: string }> {
  const read = { address: asset, abi: domainAbi } as const
  try {
    const [, name, version] = await client.readContract({ ...read, functionName: 'eip712Domain' })
    return { name, version }
  } catch {
    const [name, version] = await Promise.all([
      client.readContract({ ...read, functionName: 'name' }),
      client.readContract({ ...read, functionName: 'version' }),
    ])
    return { name, version }
  }
}

export function openCashier(
  chain: Chain,
  sender: KeySender,
  terms: Pick<Terms, 'asset' | 'network'>,
): Cashier {
  const { client } = chain
  const token = { address: terms.asset, abi: authorizationAbi } as const
  const facilitator = new x402Facilitator().register(
    terms.network,
    new ExactEvmScheme(signerOf(chain, sender)),
  )

  const balanceOf = (payer: Address) =>
    client.readContract({ address: terms.asset, abi: erc20Abi, functionName: 'balanceOf', args: [payer] })
  const isUsed = ({ payer, nonce }: Payment) =>
    client.readContract({ ...token, functionName: 'authorizationState', args: [payer, nonce] })

  /** The transaction that brought exactly this money, whoever sent it. */
  async function transferOf({ payer, to, nonce, amount }: Payment, since: bigint): Promise<Hex | undefined> {
    const used = await client.getLogs({
      address: terms.asset,
      event: authorizationAbi[1],
      args: { authorizer: payer, nonce },
      fromBlock: since,
    })
    const hash = used[0]?.transactionHash
    if (hash == null) return undefined
    const { logs } = await client.getTransactionReceipt({ hash })
    const ours = parseEventLogs({ abi: erc20Abi, eventName: 'Transfer', logs }).some(
      ({ address, args }) =>
        address.toLowerCase() === terms.asset &&
        args.from.toLowerCase() === payer &&
        args.to.toLowerCase() === to &&
        args.value === amount,
    )
    return ours ? hash : undefined
  }

  async function look(
    payment: Payment,
    since: bigint,
    ours: readonly Hex[] | undefined,
  ): Promise<Collected | undefined> {
    const [used, balance, block] = await Promise.all([
      isUsed(payment),
      balanceOf(payment.payer),
      client.getBlock(),
    ])
    if (used) {
      const transaction = await transferOf(payment, since)
      if (transaction === undefined) {
        return { is: 'lost', why: 'the authorisation was cancelled, or its nonce used for something else' }
      }
      if (ours === undefined || ours.includes(transaction)) return { is: 'settled', transaction }
      return { is: 'lost', why: `the authorisation was used elsewhere, in ${transaction}` }
    }
    if (block.timestamp >= BigInt(payment.until)) return { is: 'lost', why: 'the authorisation has expired' }
    if (balance >= payment.amount) return undefined
    return { is: 'unfunded', why: `the wallet has ${balance} of ${payment.amount} base units` }
  }

  return {
    signer: sender.address,
    supported: () => facilitator.getSupported(),
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    balanceOf,
    block: () => client.getBlockNumber(),
    async collect(payment, requirements, since, own) {
      try {
        const known = await look(payment, since, own?.sent())
        if (known !== undefined) return known
        const scheme = new ExactEvmScheme(signerOf(chain, sender, own?.sending))
        const done: SettleResponse = await scheme.settle(payment.payload, requirements)
        if (done.success) return { is: 'settled', transaction: done.transaction as Hex }
        const why = done.errorMessage ?? done.errorReason ?? 'no reason given'
        // Somebody else may have sent it meanwhile, or the wallet paid another: the chain knows.
        return (await look(payment, since, own?.sent())) ?? { is: 'unknown', why }
      } catch (cause) {
        return { is: 'unknown', why: asHeuristError(cause).message }
      }
    },
  }
}

/** The sdk's sender in the words of `@x402/evm`. */
function signerOf(
  { client }: Chain,
  sender: KeySender,
  sending: (transaction: Hex) => void = () => {},
): FacilitatorEvmSigner {
  type ReadArgs = Parameters<typeof client.readContract>[0]
  type VerifyArgs = Parameters<typeof verifyTypedData>[1]
  return {
    getAddresses: () => [sender.address],
    readContract: (args) => client.readContract(args as ReadArgs),
    verifyTypedData: (args) => verifyTypedData(client, args as VerifyArgs),
    async writeContract({ address, abi, functionName, args }) {
      const data = encodeFunctionData({ abi: abi as Abi, functionName, args })
      const signed = await sender.sign({ to: address, data })
      try {
        sending(signed.hash)
        return await sender.broadcast(signed)
      } catch (cause) {
        sender.forget()
        throw cause
      }
    },
    // It would deploy the wallets of those who have none yet: not offered.
    sendTransaction: () => Promise.reject(new Error('this facilitator deploys no wallets')),
    waitForTransactionReceipt: ({ hash }) => client.waitForTransactionReceipt({ hash, timeout: CONFIRM_MS }),
    getCode: ({ address }) => client.getCode({ address }),
  }
}
