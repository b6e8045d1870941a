import type { Address, Hex } from 'viem'
import { memoryJournal } from '../../sdk/journal.ts'
import { createSigner } from '../../sdk/native.ts'
import type { Request } from '../../sdk/protocol/messages.ts'
import type { Countersigned } from '../../sdk/protocol/wire.ts'
import { openPurse, type Purse } from '../../sdk/purse.ts'
import type { Asked, House } from './house.ts'
import type { Person, Scene } from './scene.ts'

/** The ways in which money reaches an account. */
export const WAYS = ['deposit', 'depositAndOpen', 'depositWithPermit', 'depositWithAuthorization'] as const
export type Way = (typeof WAYS)[number]

const SALT_PREFIX = '0x'.padEnd(58, '0')

/**
 * What one key of a payer has with one router. It keeps the real purse of the sdk: ceilings are its own verified sum plus
 * what is in flight, whatever the router says.
 */
export interface Account {
  readonly house: House
  readonly key: Person
  /** Who may withdraw. */
  readonly owner: Person
  readonly way: Way
  readonly purse: Purse
  state: 'open' | 'thawing' | 'closed'
  deposited: bigint
  withdrawn: bigint
  /** The most that was ever at stake: maxPrices of its unexpired vouchers without a verified receipt. */
  most: bigint
  /** Why it was closed, if its owner did not just leave. */
  reason: string
}

/** Somebody who calls: accounts with every router, a new key after each that it closed. */
export interface Payer {
  readonly name: string
  readonly accounts: Account[]
}

interface Stake {
  maxPrice: bigint
  expiry: number
}
const stakes = new WeakMap<Account, Map<Hex, Stake>>()

export async function openAccount(scene: Scene, payer: Payer, house: House, way: Way): Promise<Account> {
  const name = `${payer.name} at ${house.name}, key ${payer.accounts.length}`
  const key = await scene.person(name)
  // An account that nobody opened belongs to its key.
  const owner = way === 'deposit' ? key : await scene.person(`owner of ${name}`)
  const signer = createSigner(key.key)
  const id = {
    ...scene.market.domain,
    ledger: scene.ledger.address,
    router: house.person.address,
    payer: key.address,
  }
  const purse = openPurse({
    log: await memoryJournal().open(id),
    payer: key.address,
    router: house.person.address,
    hasher: scene.hasher,
    signVoucher: async (voucher) => signer.sign(scene.hasher.digest('Voucher', voucher)),
    now: () => scene.now() * 1000,
  })
  const account: Account = {
    house,
    key,
    owner,
    way,
    purse,
    state: 'open',
    deposited: 0n,
    withdrawn: 0n,
    most: 0n,
    reason: '',
  }
  stakes.set(account, new Map())
  payer.accounts.push(account)
  return account
}

/** Signs one call. What it may cost at most counts from here on. */
export async function ask(scene: Scene, account: Account, body: Request): Promise<Asked> {
  const { request, voucher, signature } = await account.purse.reserve(body)
  const open = stakes.get(account) ?? new Map<Hex, Stake>()
  open.set(request, { maxPrice: body.maxPrice, expiry: voucher.expiry })
  let sum = 0n
  for (const [name, stake] of open) {
    if (stake.expiry < scene.now()) open.delete(name)
    else sum += stake.maxPrice
  }
  if (sum > account.most) account.most = sum
  return { body, request, voucher, signature }
}

/** A receipt that the payer verified. */
export async function book(account: Account, asked: Asked, answer: Countersigned): Promise<void> {
  await account.purse.book(asked.request, answer)
  stakes.get(account)?.delete(asked.request)
}

/** Puts `amount` into the account, its own way. */
export async function fund(scene: Scene, account: Account, amount: bigint): Promise<void> {
  await scene.give(account.owner.address, amount)
  const { key, owner, house } = account
  const router = house.person.address
  const { ledger, asset } = scene
  const approve = { ...asset, functionName: 'approve', args: [ledger.address, amount] }
  if (account.way === 'deposit') {
    await scene.send(owner, approve)
    const args = [router, key.address, amount]
    await scene.send(owner, { ...ledger, functionName: 'deposit', args })
  } else if (account.way === 'depositAndOpen') {
    await scene.send(owner, approve)
    const args = [router, key.address, amount, owner.address, openSignature(scene, account)]
    await scene.send(owner, { ...ledger, functionName: 'depositAndOpen', args })
  } else if (account.way === 'depositWithPermit') {
    await fundByPermit(scene, account, amount)
  } else {
    await fundByAuthorization(scene, account, amount)
  }
  account.deposited += amount
}

function openSignature(scene: Scene, { key, owner, house }: Account): Hex {
  const message = { router: house.person.address, owner: owner.address }
  return createSigner(key.key).sign(scene.hasher.digest('Open', message))
}

const FAR = 2n ** 40n - 1n

const assetDomain = (scene: Scene) => ({
  name: 'Test Dollar',
  version: '1',
  chainId: scene.market.domain.chainId,
  verifyingContract: scene.asset.address,
})

async function fundByPermit(scene: Scene, account: Account, value: bigint): Promise<void> {
  const { owner, key, house } = account
  const { ledger, asset, client } = scene
  const nonce = await client.readContract({ ...asset, functionName: 'nonces', args: [owner.address] })
  const signature = await owner.account.signTypedData({
    domain: assetDomain(scene),
    primaryType: 'Permit',
    types: {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    message: { owner: owner.address, spender: ledger.address, value, nonce, deadline: FAR },
  })
  const [r, s] = [signature.slice(0, 66), `0x${signature.slice(66, 130)}`]
  const v = Number(`0x${signature.slice(130)}`)
  const args = [house.person.address, key.address, value, FAR, v, r, s]
  await scene.send(owner, { ...ledger, functionName: 'depositWithPermit', args })
  if (account.deposited === 0n) {
    const open = [house.person.address, owner.address, key.address, openSignature(scene, account)]
    await scene.send(owner, { ...ledger, functionName: 'open', args: open })
  }
}

/** Signs that the ledger may draw `value` for exactly one purpose, which the nonce names. */
export function authorize(scene: Scene, from: Person, value: bigint, nonce: Hex): Promise<Hex> {
  return from.account.signTypedData({
    domain: assetDomain(scene),
    primaryType: 'ReceiveWithAuthorization',
    types: {
      ReceiveWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    message: {
      from: from.address,
      to: scene.ledger.address,
      value,
      validAfter: 0n,
      validBefore: FAR,
      nonce,
    },
  })
}

/** Gasless for its giver: a relayer presents it. */
async function fundByAuthorization(scene: Scene, account: Account, value: bigint): Promise<void> {
  const { owner, key, house } = account
  const { ledger, client } = scene
  const router = house.person.address
  const salt = `${SALT_PREFIX}${account.deposited.toString(16).padStart(8, '0')}` as Hex
  const named = [router, key.address, owner.address, salt] as const
  const nonce = await client.readContract({ ...ledger, functionName: 'depositNonce', args: named })
  const signature = await authorize(scene, owner, value, nonce)
  const authorization = { validAfter: 0n, validBefore: FAR, signature }
  const args = [...named, owner.address, value, authorization, openSignature(scene, account)]
  await scene.send(await scene.person('relayer'), {
    ...ledger,
    functionName: 'depositWithAuthorization',
    args,
  })
}

/** What the ledger says of the account. */
export const accountOf = (scene: Scene, { house, key }: Account) =>
  scene.client.readContract({
    ...scene.ledger,
    functionName: 'accountOf',
    args: [house.person.address, key.address],
  })

/** Retires the key and announces the withdrawal of everything. */
export async function leave(scene: Scene, account: Account, reason: string): Promise<void> {
  if (account.state !== 'open') return
  await account.purse.retire(reason)
  const { deposited, spent } = await accountOf(scene, account)
  account.reason = reason
  account.state = deposited === spent ? 'closed' : 'thawing'
  if (account.state === 'closed') return
  const args = [account.house.person.address, account.key.address, deposited - spent]
  await scene.send(account.owner, { ...scene.ledger, functionName: 'thaw', args })
}

/** Takes what was announced, once it may; what arrives is read from the wallet. */
export async function takeOut(scene: Scene, account: Account): Promise<void> {
  if (account.state !== 'thawing') return
  const { thawedAt } = await accountOf(scene, account)
  if (scene.now() < thawedAt) return
  const before = await walletOf(scene, account.owner.address)
  const args = [account.house.person.address, account.key.address]
  await scene.send(account.owner, { ...scene.ledger, functionName: 'withdraw', args })
  account.withdrawn += (await walletOf(scene, account.owner.address)) - before
  account.state = 'closed'
}

export const walletOf = (scene: Scene, address: Address): Promise<bigint> =>
  scene.client.readContract({ ...scene.asset, functionName: 'balanceOf', args: [address] })
