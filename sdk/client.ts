import type { Address, Hex, TransactionReceipt } from 'viem'
import { type Answer, type AnswerStream, type CallOptions, createCalls } from './calls.ts'
import { accountCall, deposit, faucet } from './chain/deposits.ts'
import {
  type AccountDocument,
  accountSchema,
  type Quote,
  quoteSchema,
  type ReceiptDocument,
  receiptDocumentSchema,
} from './documents.ts'
import { refused } from './errors.ts'
import { maxPriceOf, unitLimitsOf } from './protocol/price.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'
import { createTransport } from './transport.ts'
import { usd } from './units.ts'

export interface ClientOptions extends SessionOptions {
  routerUrl: string
  /** The frontend that brings the call and earns its share; 0 = none. */
  frontend?: number
}

/** What an account has, in base units. `charged` is the client's own figure. */
export interface Balance {
  payer: Address
  deposited: bigint
  /** Settled on chain. */
  spent: bigint
  thawing: bigint
  /** Own sum of verified receipts. */
  charged: bigint
  /** The most that calls in flight may still cost. */
  held: bigint
  /** What the router would still serve for. */
  available: bigint
}

export interface Client {
  /** What a call would cost at most, and how long until its first byte. */
  quote(pod: string | number, input?: object): Promise<Quote>
  /** One call, its answer in one piece. Left early it costs nothing. */
  run(pod: string | number, input: object, options?: CallOptions): Promise<Answer>
  /** One call, its answer as it is made. Left early it costs what was delivered. */
  stream(pod: string | number, input: object, options?: CallOptions): AnswerStream
  /** Moves dollars of the key's own account into its credit. `faucet`: take them from a local chain's faucet first. */
  deposit(dollars: string, options?: { faucet?: boolean }): Promise<TransactionReceipt>
  balance(): Promise<Balance>
  /** What the router shows of a call: receipt, split, batch, proof. Check it with `verifyReceipt`. */
  receipt(request: Hex): Promise<ReceiptDocument>
  /** Announces a withdrawal; the router serves the account no more. */
  thaw(dollars: string): Promise<TransactionReceipt>
  cancelThaw(): Promise<TransactionReceipt>
  /** Pays out what was thawed, to the account's owner. */
  withdraw(): Promise<TransactionReceipt>
  /** Names who may withdraw this key's account. Once. */
  open(owner: Address): Promise<TransactionReceipt>
  /** Gives the journal back. Calls in flight are resolved at the next start. */
  close(): Promise<void>
}

/**
 * A payer's client. Nothing is asked of anybody before the first call.
 *
 * @throws (from its methods) what the router refuses, `receipt.*` and `ack.*` if an answer does not hold,
 *         `key.retired`, `journal.*`.
 */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options.routerUrl)
  const calls = createCalls(transport, options.frontend ?? 0, session)
  let opening: Promise<Session> | undefined

  function session(): Promise<Session> {
    opening ??= openSession(options.routerUrl, transport, options)
      .then(async (opened) => {
        await calls.resolvePending(opened)
        await checkJournal(opened)
        return opened
      })
      .catch((cause: unknown) => {
        opening = undefined
        throw cause
      })
    return opening
  }

  const accountOf = (payer: Address) => transport.get(`/v1/accounts/${payer}`, accountSchema)

  /** @throws `journal.lost` (refused): the router has charged this key for calls that its journal does not know. */
  async function checkJournal({ purse }: Session): Promise<void> {
    const account: AccountDocument = await accountOf(purse.payer)
    if (purse.count > 0 || purse.pending.length > 0 || account.count === 0n) return
    await purse.close()
    throw refused(
      'journal.lost',
      `the key ${purse.payer} made ${account.count} calls that its journal does not know`,
      {
        fix: 'Use a new key; thaw and withdraw what this one still holds. One key belongs to one journal.',
      },
    )
  }

  async function owned(data: (router: Address, key: Address) => Hex): Promise<TransactionReceipt> {
    const { network, sender, purse } = await session()
    return sender.send({ to: network.addresses.ledger, data: data(network.router.address, purse.payer) })
  }

  return {
    async quote(pod, input) {
      const { manifest } = await (await session()).pod(pod)
      const text = JSON.stringify(input ?? {})
      const limits = unitLimitsOf(manifest, input ?? {}, new TextEncoder().encode(text).length)
      const asked = `unitsIn=${limits.unitsIn}&unitsOut=${limits.unitsOut}`
      const quote = await transport.get(
        `/v1/quote?pod=${encodeURIComponent(String(pod))}&${asked}`,
        quoteSchema,
      )
      return { ...quote, maxPrice: maxPriceOf(manifest, limits) }
    },
    run: calls.run,
    stream: calls.stream,
    async deposit(dollars, { faucet: fromFaucet = false } = {}) {
      const amount = usd(dollars)
      const { chain, sender, network, purse } = await session()
      const { asset, ledger } = network.addresses
      if (fromFaucet) await faucet(chain, asset, sender.address, amount)
      return deposit(
        chain,
        sender,
        { ledger, asset, router: network.router.address, key: purse.payer },
        amount,
      )
    },
    async balance() {
      const { purse } = await session()
      const account = await accountOf(purse.payer)
      const held = purse.pending.reduce((sum, call) => sum + call.message.maxPrice, 0n)
      const { payer, deposited, spent, thawing } = account
      const free = thawing > 0n ? 0n : deposited - purse.charged - held
      return {
        payer,
        deposited,
        spent,
        thawing,
        charged: purse.charged,
        held,
        available: free > 0n ? free : 0n,
      }
    },
    receipt: (request) => transport.get(`/v1/receipts/${request}`, receiptDocumentSchema),
    thaw: (dollars) => owned((router, key) => accountCall.thaw(router, key, usd(dollars))),
    cancelThaw: () => owned(accountCall.cancelThaw),
    withdraw: () => owned(accountCall.withdraw),
    async open(owner) {
      const { network, sign } = await session()
      const signature = await sign('Open', { router: network.router.address, owner })
      return owned((router, key) => accountCall.open(router, owner, key, signature))
    },
    async close() {
      const opened = await opening?.catch(() => undefined)
      opening = undefined
      await opened?.purse.close()
    },
  }
}
