import {
  type Abi,
  type Address,
  decodeErrorResult,
  encodeFunctionData,
  type Hex,
  keccak256,
  type PublicClient,
  stringToHex,
  toHex,
} from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { Call } from '../../deploy/deployer.ts'
import { computeLedgerAbi, heuAbi, registryAbi, routerBondAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { fastKeccak } from '../../sdk/native.ts'
import { createHasher, type Hasher } from '../../sdk/protocol/messages.ts'
import { type Market, openMarket } from '../market.ts'

/** A contract refused; `code` is the name of its error. */
export class Reverted extends Error {
  readonly code: string
  constructor(code: string, what: string) {
    super(`${what} reverted: ${code}`)
    this.code = code
  }
}

/** Somebody with a key, and gas. */
export interface Person {
  key: Hex
  account: PrivateKeyAccount
  address: Address
}

/** The real contracts, on a chain whose time this month decides. Times are Unix seconds, amounts base units. */
export interface Scene {
  readonly market: Market
  readonly hasher: Hasher
  readonly client: PublicClient
  readonly ledger: { address: Address; abi: typeof computeLedgerAbi }
  readonly bond: { address: Address; abi: typeof routerBondAbi }
  readonly asset: { address: Address; abi: typeof testDollarAbi }
  readonly heu: { address: Address; abi: typeof heuAbi }
  readonly registry: { address: Address; abi: typeof registryAbi }
  /** All dollars that this month's people were ever given. */
  readonly minted: bigint
  /** What the contracts held before. */
  readonly foreign: { ledger: bigint; bond: bigint }
  now(): number
  /** Lets time pass. */
  to(time: number): Promise<void>
  person(name: string): Promise<Person>
  /** Test dollars for anybody. */
  give(to: Address, amount: bigint): Promise<void>
  /** Signs, sends and waits; the block comes at once. @throws {@link Reverted}. */
  send(from: Person, call: Call): Promise<void>
  /** What is done meanwhile, the chain forgets; what was sent through `send` it then takes again, in another block. */
  reorganise(meanwhile: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

const GAS = 10n ** 24n
/** A transaction that was looked for so often is waiting for a block. */
const LOOKS = 200

/** @param seed  Decides every key. */
export async function openScene(seed: number): Promise<Scene> {
  const market = await openMarket()
  const { client } = market.deployer
  const rpc = <T>(method: string, ...params: unknown[]): Promise<T> =>
    client.request<{ Method: string; Parameters: unknown[]; ReturnType: T }>({ method, params })
  await rpc('evm_setAutomine', true)
  let time = Number((await client.getBlock()).timestamp)
  let minted = 0n
  /** What was sent since the chain was looked at last, in order. */
  let sent: Hex[] = []

  const at = <A extends Abi>(name: keyof Market['addresses'], abi: A) => ({
    address: market.addresses[name],
    abi,
  })
  const asset = at('asset', testDollarAbi)

  async function to(next: number): Promise<void> {
    const newest = Number((await client.getBlock()).timestamp)
    time = Math.max(next, newest + 1)
    await rpc('evm_setNextBlockTimestamp', time)
    await rpc('evm_mine')
  }

  async function reasonOf(from: Person, call: Call): Promise<string> {
    const data = encodeFunctionData(call)
    try {
      await rpc('eth_call', { from: from.address, to: call.address, data }, 'latest')
    } catch (cause) {
      const text = JSON.stringify(cause, (_, value) => (typeof value === 'bigint' ? String(value) : value))
      const hex = /"data":"(0x[0-9a-f]{8,})"/i.exec(text)?.[1] as Hex | undefined
      return hex ? errorName(hex) : text.slice(0, 300)
    }
    return 'no reason'
  }

  async function transmit(raw: Hex): Promise<boolean> {
    const hash = await client.sendRawTransaction({ serializedTransaction: raw })
    for (let looks = 1; ; looks += 1) {
      const receipt = await client.getTransactionReceipt({ hash }).catch(() => undefined)
      if (receipt) return receipt.status === 'success'
      // A busy anvil may leave one unmined that came beside another.
      if (looks % LOOKS === 0) await rpc('evm_mine')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async function send(from: Person, call: Call): Promise<void> {
    const nonce = await client.getTransactionCount({ address: from.address })
    const raw = await from.account.signTransaction({
      chainId: market.deployer.chainId,
      type: 'eip1559',
      to: call.address,
      data: encodeFunctionData(call),
      gas: 10_000_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 1n,
      nonce,
    })
    if (!(await transmit(raw))) throw new Reverted(await reasonOf(from, call), call.functionName)
    sent.push(raw)
  }

  const people = new Map<string, Promise<Person>>()
  async function create(name: string): Promise<Person> {
    const key = keccak256(stringToHex(`month ${seed} ${name}`))
    const account = privateKeyToAccount(key)
    await rpc('anvil_setBalance', account.address, toHex(GAS))
    return { key, account, address: account.address.toLowerCase() as Address }
  }
  const person = (name: string): Promise<Person> => {
    const known = people.get(name) ?? create(name)
    people.set(name, known)
    return known
  }
  const mint = await person('mint')
  const heldBy = (address: Address) =>
    client.readContract({ ...asset, functionName: 'balanceOf', args: [address] })
  const foreign = {
    ledger: await heldBy(market.addresses.ledger),
    bond: await heldBy(market.addresses.bond),
  }

  return {
    market,
    client,
    hasher: createHasher(market.domain, fastKeccak),
    ledger: at('ledger', computeLedgerAbi),
    bond: at('bond', routerBondAbi),
    asset,
    heu: at('heu', heuAbi),
    registry: at('registry', registryAbi),
    get minted() {
      return minted
    },
    foreign,
    now: () => time,
    to,
    person,
    async give(receiver, amount) {
      await send(mint, { ...asset, functionName: 'faucet', args: [receiver, amount] })
      minted += amount
    },
    send,
    async reorganise(meanwhile) {
      const snapshot = await rpc<Hex>('evm_snapshot')
      sent = []
      const before = minted
      await meanwhile()
      const again = sent
      await rpc('evm_revert', snapshot)
      await to(time + 1)
      for (const raw of again) await transmit(raw)
      if (minted < before) throw new Error('dollars were taken back')
    },
    close: () => market.close(),
  }
}

function errorName(data: Hex): string {
  const abi = [...routerBondAbi, ...computeLedgerAbi, ...testDollarAbi, ...registryAbi].filter(
    (item) => item.type === 'error',
  )
  try {
    return decodeErrorResult({ abi, data }).errorName
  } catch {
    return data
  }
}
