import {
  type Address,
  decodeFunctionData,
  erc20Abi,
  type Hex,
  type LocalAccount,
  parseAbi,
  parseSignature,
} from 'viem'
import { eip712Domain, TYPES } from '../protocol/messages.ts'
import { computeLedgerAbi } from './abi.ts'
import { approveCall, type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import type { DepositTerms } from './deposits.ts'
import { chainError } from './errors.ts'
import { ledgerHistory } from './history.ts'

/** A key's word on who may withdraw its account with a router. */
export interface Opening {
  owner: Address
  /** The key's, over `Open { router, owner }`. */
  signature: Hex
}

/** Who gives money by a signature: a key at hand, or a wallet that asks its owner. */
export interface Giver {
  readonly address: Address
  signTypedData(data: {
    domain: { name: string; version: string; chainId: number; verifyingContract: Address }
    types: Record<string, readonly { name: string; type: string }[]>
    primaryType: string
    message: Record<string, unknown>
  }): Promise<Hex>
}

const ledgerCall = caller(computeLedgerAbi)

/** Signs `Open`: whoever presents it once makes `owner` the only one who may withdraw. */
export async function signOpen(
  key: LocalAccount,
  owner: Address,
  { chain, ledger, router }: { chain: Chain; ledger: Address; router: Address },
): Promise<Opening> {
  const signature = await key.signTypedData({
    domain: eip712Domain({ chainId: chain.id, verifyingContract: ledger }),
    types: { Open: TYPES.Open },
    primaryType: 'Open',
    message: { router, owner },
  })
  return { owner, signature }
}

/**
 * A deposit by the giver's own transactions: an approval of exactly `amount` where the present one is lower, then
 * `deposit`, or `depositAndOpen` if the key's `Open` goes along.
 *
 * @param amount Base units.
 */
export async function depositCalls(
  chain: Chain,
  terms: DepositTerms,
  { from, amount, opening }: { from: Address; amount: bigint; opening?: Opening },
): Promise<Call[]> {
  const allowed = await chain.client
    .readContract({
      address: terms.asset,
      abi: erc20Abi,
      functionName: 'allowance',
      args: [from, terms.ledger],
    })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  const approval = approveCall(terms.asset, terms.ledger, amount)
  const { ledger, router, key } = terms
  const deposit = opening
    ? ledgerCall(ledger, 'depositAndOpen', [router, key, amount, opening.owner, opening.signature])
    : ledgerCall(ledger, 'deposit', [router, key, amount])
  return allowed < amount ? [approval, deposit] : [deposit]
}

/** A deposit that carries the giver's EIP-2612 permit: one transaction, which only the giver can send. */
export async function permitCall(
  chain: Chain,
  terms: DepositTerms,
  { giver, amount, deadline }: { giver: LocalAccount; amount: bigint; deadline: bigint },
): Promise<Call> {
  const [domain, nonce] = await Promise.all([
    assetDomain(chain, terms.asset),
    chain.client.readContract({
      address: terms.asset,
      abi: parseAbi(['function nonces(address owner) view returns (uint256)']),
      functionName: 'nonces',
      args: [giver.address],
    }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const signature = await giver.signTypedData({
    domain,
    types: { Permit: PERMIT },
    primaryType: 'Permit',
    message: { owner: giver.address, spender: terms.ledger, value: amount, nonce, deadline },
  })
  const { r, s, yParity } = parseSignature(signature)
  const { ledger, router, key } = terms
  return ledgerCall(ledger, 'depositWithPermit', [router, key, amount, deadline, 27 + yParity, r, s])
}

/**
 * A deposit of the giver's money that anybody may send: EIP-3009, its nonce derived from router, key, owner and salt, so
 * that a relayer can send the money nowhere else.
 *
 * @param validBefore Unix seconds.
 * @param opening     The key's `Open` for that owner; absent if the account is the owner's already.
 */
export async function authorizedCall(
  chain: Chain,
  terms: DepositTerms,
  gift: {
    giver: Giver
    amount: bigint
    owner: Address
    salt: Hex
    validBefore: bigint
    opening?: Opening
  },
): Promise<Call> {
  const { ledger, router, key } = terms
  const { giver, amount, owner, salt, validBefore } = gift
  const [domain, nonce] = await Promise.all([
    assetDomain(chain, terms.asset),
    chain.client.readContract({
      address: ledger,
      abi: computeLedgerAbi,
      functionName: 'depositNonce',
      args: [router, key, owner, salt],
    }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const signature = await giver.signTypedData({
    domain,
    types: { ReceiveWithAuthorization: RECEIVE },
    primaryType: 'ReceiveWithAuthorization',
    message: { from: giver.address, to: ledger, value: amount, validAfter: 0n, validBefore, nonce },
  })
  const authorization = { validAfter: 0n, validBefore, signature }
  const open = gift.opening?.signature ?? '0x'
  return ledgerCall(ledger, 'depositWithAuthorization', [
    router,
    key,
    owner,
    salt,
    giver.address,
    amount,
    authorization,
    open,
  ])
}

const AUTHORIZATION_ABI = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
])

/**
 * Whether the asset is done with the signature of a deposit by {@link authorizedCall}: the money arrived, or its giver took
 * the signature back. Either way it moves nothing more, whatever else happens to the account.
 *
 * @param data  The call's data.
 */
export async function isAuthorizationUsed(
  { client }: Chain,
  { ledger, asset }: Pick<DepositTerms, 'ledger' | 'asset'>,
  data: Hex,
): Promise<boolean> {
  const call = decodeFunctionData({ abi: computeLedgerAbi, data })
  if (call.functionName !== 'depositWithAuthorization') return false
  const [router, key, owner, salt, giver] = call.args
  try {
    const nonce = await client.readContract({
      address: ledger,
      abi: computeLedgerAbi,
      functionName: 'depositNonce',
      args: [router, key, owner, salt],
    })
    return await client.readContract({
      address: asset,
      abi: AUTHORIZATION_ABI,
      functionName: 'authorizationState',
      args: [giver, nonce],
    })
  } catch (cause) {
    throw chainError(cause)
  }
}

const PERMIT = [
  { name: 'owner', type: 'address' },
  { name: 'spender', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'nonce', type: 'uint256' },
  { name: 'deadline', type: 'uint256' },
] as const

const RECEIVE = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const

const DOMAIN_ABI = parseAbi([
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function eip712Domain() view returns (bytes1, string, string, uint256, address, bytes32, uint256[])',
])

/** The asset's EIP-712 domain: by EIP-5267, or by `name` and `version` as older stablecoins have it. */
async function assetDomain(chain: Chain, asset: Address) {
  const token = { address: asset, abi: DOMAIN_ABI } as const
  const place = { chainId: chain.id, verifyingContract: asset }
  const told = await chain.client
    .readContract({ ...token, functionName: 'eip712Domain' })
    .catch(() => undefined)
  if (told) return { ...place, name: told[1], version: told[2] }
  const [name, version] = await Promise.all([
    chain.client.readContract({ ...token, functionName: 'name' }),
    chain.client.readContract({ ...token, functionName: 'version' }),
  ])
  return { ...place, name, version }
}

/** Presents a key's `Open` by itself. */
export const openCall = (
  { ledger, router, key }: Pick<DepositTerms, 'ledger' | 'router' | 'key'>,
  { owner, signature }: Opening,
): Call => ledgerCall(ledger, 'open', [router, owner, key, signature])

/** What a key has with a router, with what may still be debited. Base units; `thawedAt` in Unix seconds. */
export interface KeyAccount {
  key: Address
  owner: Address
  deposited: bigint
  spent: bigint
  /** What the router may still debit, a running withdrawal included until it is finished. */
  credit: bigint
  thawing: bigint
  thawedAt: number
}

export async function readAccount(
  chain: Chain,
  ledger: Address,
  { router, key }: { router: Address; key: Address },
): Promise<KeyAccount> {
  const account = await chain.client
    .readContract({ address: ledger, abi: computeLedgerAbi, functionName: 'accountOf', args: [router, key] })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  const { owner, deposited, spent, thawing, thawedAt } = account
  return { key, owner, deposited, spent, credit: deposited - spent, thawing, thawedAt: Number(thawedAt) }
}

/** How long a withdrawal of credit waits after it was announced. Seconds. */
export const readThawSeconds = async ({ client }: Chain, ledger: Address): Promise<number> =>
  Number(
    await client
      .readContract({ address: ledger, abi: computeLedgerAbi, functionName: 'thawSeconds' })
      .catch((cause: unknown) => {
        throw chainError(cause)
      }),
  )

/** A key's account with one of its routers. */
export type RoutedAccount = KeyAccount & { router: Address }

/**
 * Every account that belongs to `owner`, with one router or with all of them, found in the chain's own events: those of
 * the keys that named it with `Open`, and its own.
 */
export async function accountsOf(
  chain: Chain,
  ledger: Address,
  { owner, router }: { owner: Address; router?: Address },
): Promise<RoutedAccount[]> {
  const at = router === undefined ? {} : { router }
  const [opened, given] = await Promise.all([
    ledgerHistory(chain, ledger, 'Opened', { ...at, owner }),
    ledgerHistory(chain, ledger, 'Deposited', { ...at, key: owner }),
  ])
  const places = [...opened, ...given].map(({ args }) => ({ router: args.router, key: args.key }))
  const distinct = [...new Map(places.map((place) => [`${place.router} ${place.key}`, place])).values()]
  const accounts = await Promise.all(
    distinct.map(async (place) => ({ ...(await readAccount(chain, ledger, place)), router: place.router })),
  )
  return accounts.filter((account) => account.owner.toLowerCase() === owner.toLowerCase())
}

/** The same with one router. */
export async function keysOf(
  chain: Chain,
  ledger: Address,
  place: { router: Address; owner: Address },
): Promise<KeyAccount[]> {
  const accounts = await accountsOf(chain, ledger, place)
  return accounts.map(({ router: _, ...account }) => account)
}
