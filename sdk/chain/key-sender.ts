import {
  type Address,
  type Hex,
  keccak256,
  type LocalAccount,
  parseTransaction,
  type TransactionReceipt,
} from 'viem'
import { later } from '../errors.ts'
import type { Call } from './call.ts'
import { type Chain, type Sender, withMargin } from './clients.ts'
import { chainError, isNonceConflict } from './errors.ts'
import { displaced, included } from './inclusion.ts'

/** A transaction that can be stored before it is sent and sent again after a crash: the same bytes. */
export interface SignedTransaction {
  raw: Hex
  hash: Hex
  nonce: number
}

/** A sender whose key is at hand, so that signing and sending can be two steps. */
export interface KeySender extends Sender {
  /**
   * Takes the next nonce. Whoever signs must broadcast, or call `forget`.
   *
   * @param most  Of `maxFeePerGas`, wei; unbounded if absent.
   */
  sign(call: Call, most?: bigint): Promise<SignedTransaction>
  /**
   * Signs the call at the nonce of a transaction that no block takes, for more: only one of the two can be mined.
   *
   * @param most  Of `maxFeePerGas`, wei.
   * @throws `fee.capped` (later) if the least fee that nodes accept in its place is above `most`.
   */
  replace(
    call: Call,
    stuck: Pick<SignedTransaction, 'raw' | 'nonce'>,
    most: bigint,
  ): Promise<SignedTransaction>
  /** Sending the same bytes twice is harmless. */
  broadcast(signed: Pick<SignedTransaction, 'raw' | 'hash'>): Promise<Hex>
  /** Waits until a transaction is in a block; throws `chain.reverted` if it failed there. */
  confirm(hash: Hex): Promise<TransactionReceipt>
  /** Learn the nonce from the chain again. */
  forget(): void
}

/** Wei per gas. */
export interface Fees {
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

/**
 * The fees of a transaction that takes the place of another one: an eighth more of each, as nodes demand, or what the
 * market asks if that is more. Pure.
 *
 * @param most  Of `maxFeePerGas`, wei.
 * @returns undefined if `most` is below what nodes would accept.
 */
export function replacementFees(stuck: Fees, market: Fees, most: bigint): Fees | undefined {
  const least = {
    maxFeePerGas: anEighthMore(stuck.maxFeePerGas),
    maxPriorityFeePerGas: anEighthMore(stuck.maxPriorityFeePerGas),
  }
  if (least.maxFeePerGas > most) return undefined
  const maxFeePerGas = atMost(greater(least.maxFeePerGas, market.maxFeePerGas), most)
  const tip = greater(least.maxPriorityFeePerGas, market.maxPriorityFeePerGas)
  return { maxFeePerGas, maxPriorityFeePerGas: atMost(tip, maxFeePerGas) }
}

/** Rounded up, and never the same. */
const anEighthMore = (fee: bigint): bigint => greater((fee * 9n + 7n) / 8n, fee + 1n)
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const atMost = (a: bigint, most: bigint): bigint => (a < most ? a : most)

/**
 * A few units of gas more or less: two senders of one account that make the same call at the same nonce would else sign
 * the same bytes, and two calls would become one.
 */
const ownMark = (): bigint => BigInt(crypto.getRandomValues(new Uint16Array(1))[0] ?? 0) % 10_000n

/** Another process may use the same account (the local faucet's does): how often to take a fresh nonce. */
const NONCE_ATTEMPTS = 8

/** Who signs next, and with which nonce. */
interface Queue {
  next: number | undefined
  tail: Promise<unknown>
}

/** One queue per account and chain, whoever made the sender: two of them would sign the same nonce. */
const queues = new WeakMap<Chain, Map<Address, Queue>>()

function queueOf(chain: Chain, address: Address): Queue {
  const ofChain = queues.get(chain) ?? new Map<Address, Queue>()
  queues.set(chain, ofChain)
  const queue = ofChain.get(address) ?? { next: undefined, tail: Promise.resolve() }
  ofChain.set(address, queue)
  return queue
}

/** Signs and sends for the account of a private key, in order. */
export function keySender(chain: Chain, account: LocalAccount): KeySender {
  const { client } = chain
  const queue = queueOf(chain, account.address)

  function inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = queue.tail.then(task)
    queue.tail = result.catch(() => undefined)
    return result
  }

  async function signAt(call: Call, nonce: number, gas: bigint, fees: Fees): Promise<SignedTransaction> {
    const { maxFeePerGas, maxPriorityFeePerGas } = fees
    const raw = await account.signTransaction({
      chainId: chain.id,
      type: 'eip1559',
      to: call.to,
      data: call.data,
      value: call.value ?? 0n,
      gas: withMargin(gas) + ownMark(),
      maxFeePerGas,
      maxPriorityFeePerGas,
      nonce,
    })
    return { raw, hash: keccak256(raw), nonce }
  }

  const estimate = (call: Call): Promise<bigint> =>
    client.estimateGas({ account: account.address, to: call.to, data: call.data, value: call.value ?? 0n })

  async function signNext(call: Call, most?: bigint): Promise<SignedTransaction> {
    await chain.check()
    const [gas, fees, nonce] = await Promise.all([
      estimate(call),
      client.estimateFeesPerGas(),
      queue.next ?? client.getTransactionCount({ address: account.address, blockTag: 'pending' }),
    ])
    const maxFeePerGas = most === undefined ? fees.maxFeePerGas : atMost(fees.maxFeePerGas, most)
    const maxPriorityFeePerGas = atMost(fees.maxPriorityFeePerGas, maxFeePerGas)
    const signed = await signAt(call, nonce, gas, { maxFeePerGas, maxPriorityFeePerGas })
    queue.next = nonce + 1
    return signed
  }

  async function signInstead(
    call: Call,
    stuck: Pick<SignedTransaction, 'raw' | 'nonce'>,
    most: bigint,
  ): Promise<SignedTransaction> {
    await chain.check()
    const [gas, market] = await Promise.all([estimate(call), client.estimateFeesPerGas()])
    const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(stuck.raw)
    const fees = replacementFees({ maxFeePerGas, maxPriorityFeePerGas }, market, most)
    if (fees) return signAt(call, stuck.nonce, gas, fees)
    throw later('fee.capped', 'the transaction is stuck and may not cost more', {
      fix: 'Raise the cap of the fee, or wait until the chain is cheaper.',
      details: { maxFeePerGas: maxFeePerGas.toString(), most: most.toString() },
    })
  }

  async function broadcast({ raw, hash }: Pick<SignedTransaction, 'raw' | 'hash'>): Promise<Hex> {
    try {
      return await client.sendRawTransaction({ serializedTransaction: raw })
    } catch (cause) {
      const known = await client.getTransaction({ hash }).catch(() => undefined)
      if (known) return hash
      throw cause
    }
  }

  const contended = (cause?: unknown) =>
    later('nonce.contended', `another process keeps sending from ${account.address}`, { cause })

  async function submit(call: Call): Promise<SignedTransaction> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const signed = await signNext(call)
        await broadcast(signed)
        return signed
      } catch (cause) {
        queue.next = undefined
        if (!isNonceConflict(cause)) throw chainError(cause)
        if (attempt === NONCE_ATTEMPTS) throw contended(cause)
      }
    }
  }

  /** Another process that pays more for the same nonce takes this transaction's place: then it is sent anew. */
  async function send(call: Call): Promise<TransactionReceipt> {
    for (let attempt = 1; attempt <= NONCE_ATTEMPTS; attempt += 1) {
      const since = await client.getBlockNumber().catch((cause: unknown) => {
        throw chainError(cause)
      })
      const signed = await inOrder(() => submit(call))
      const sent = { ...signed, from: account.address, since }
      const receipt = await included(chain, signed.hash, () => displaced(chain, sent))
      if (receipt) return receipt
      queue.next = undefined
    }
    throw contended()
  }

  return {
    address: account.address,
    sign: (call, most) =>
      inOrder(() => signNext(call, most)).catch((cause: unknown) => {
        throw chainError(cause)
      }),
    replace: (call, stuck, most) =>
      inOrder(() => signInstead(call, stuck, most)).catch((cause: unknown) => {
        throw chainError(cause)
      }),
    broadcast: (signed) =>
      broadcast(signed).catch((cause: unknown) => {
        throw chainError(cause)
      }),
    confirm: (hash) => included(chain, hash),
    forget() {
      queue.next = undefined
    },
    send,
  }
}
