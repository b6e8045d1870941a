import type { Address, Hex, TransactionReceipt } from 'viem'
import {
  type AgainOptions,
  type Answer,
  type AnswerStream,
  type CallOptions,
  createCalls,
  documentOf,
  type Input,
  type Opened,
} from './calls.ts'
import { accountCall, deposit } from './chain/deposits.ts'
import {
  accountSchema,
  type Quote,
  quoteSchema,
  type ReceiptDocument,
  receiptDocumentSchema,
} from './documents.ts'
import { refused } from './errors.ts'
import type { Http } from './http.ts'
import { outcomeOf } from './outcome.ts'
import { maxPriceOf, unitLimitsOf } from './protocol/price.ts'
import type { Job } from './protocol/wire.ts'
import { closed } from './purse.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'
import { createTransport } from './transport.ts'
import { usd } from './units.ts'

export interface ClientOptions extends SessionOptions {
  routerUrl: string
  /** How the router is asked; default: `fetch`. */
  http?: Http
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
  quote(pod: string | number, input?: Input): Promise<Quote>
  /** One call, its answer in one piece. Left early it costs nothing. */
  run(pod: string | number, input: Input, options?: CallOptions): Promise<Answer>
  /**
   * The answer to a call that this key signed before, `job` as `signed` was told it: charged once, whoever asks and however
   * often. A router keeps answers for a day.
   *
   * @throws `call.over` (refused) if it came to nothing; `output.forgotten` (later) if the router has only its receipt.
   */
  again(job: Job, options?: AgainOptions): Promise<Answer>
  /** One call, its answer as it is made. Left early it costs what was delivered. */
  stream(pod: string | number, input: Input, options?: CallOptions): AnswerStream
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
  /** Resolves once every call that was signed is decided: charged, released or rejected. */
  idle(): Promise<void>
  /**
   * Gives the journal back, for good: whatever needs the key is `client.closed` (refused) from then on. Calls in flight are
   * resolved by the next client of this key.
   */
  close(): Promise<void>
}

/**
 * A payer's client. Nothing is asked of anybody before the first call.
 *
 * @throws (from its methods) what the router refuses, `receipt.*` and `ack.*` if an answer does not hold,
 *         `key.retired`, `journal.*`, `client.closed`.
 */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options.routerUrl, options.http)
  const calls = createCalls(transport, options.frontend ?? 0, open)
  let opening: Promise<Opened> | undefined
  let isClosed = false

  /** Once; after a failure the next call tries again. @throws `client.closed` (refused). */
  async function open(): Promise<Opened> {
    if (isClosed) throw closed()
    opening ??= openOnce().catch((cause: unknown) => {
      opening = undefined
      throw cause
    })
    return await opening
  }

  async function openOnce(): Promise<Opened> {
    const session = await openSession(options.routerUrl, transport, options)
    try {
      await checkJournal(session)
    } catch (cause) {
      await session.purse.close()
      throw cause
    }
    const outcome = outcomeOf(transport, session)
    await outcome.resolveAll()
    return { session, outcome }
  }

  const session = async () => (await open()).session

  /** @throws `journal.lost` (refused): this key was charged for calls that its journal does not know. */
  async function checkJournal({ purse, reader, network }: Session): Promise<void> {
    if (purse.count > 0 || purse.pending.length > 0) return
    const [account, { spent }] = await Promise.all([
      transport.get(`/v1/accounts/${purse.payer}`, accountSchema),
      reader.account(network.router.address, purse.payer),
    ])
    if (account.count === 0n && account.charged === 0n && spent === 0n) return
    throw refused('journal.lost', `the key ${purse.payer} made calls that its journal does not know`, {
      fix: 'Use a new key; thaw and withdraw what this one still holds. One key belongs to one journal.',
      details: { count: account.count.toString(), spent: spent.toString() },
    })
  }

  async function owned(data: (router: Address, key: Address) => Hex): Promise<TransactionReceipt> {
    const { network, sender, purse } = await session()
    return sender.send({ to: network.addresses.ledger, data: data(network.router.address, purse.payer) })
  }

  return {
    async quote(pod, input = {}) {
      const version = await (await session()).pod(pod)
      const document = documentOf(input, version)
      const bytes = new TextEncoder().encode(JSON.stringify(document)).length
      const limits = unitLimitsOf(version.manifest, document, bytes)
      const asked = `pod=${version.pod}&unitsIn=${limits.unitsIn}&unitsOut=${limits.unitsOut}`
      const quote = await transport.get(`/v1/quote?${asked}`, quoteSchema)
      return { ...quote, maxPrice: maxPriceOf(version.manifest, limits) }
    },
    run: calls.run,
    again: calls.again,
    stream: calls.stream,
    async deposit(dollars, { faucet: fromFaucet = false } = {}) {
      const amount = usd(dollars)
      const { chain, sender, network, purse } = await session()
      const { asset, ledger } = network.addresses
      if (fromFaucet) {
        const { faucet } = await import('./chain/faucet.ts')
        await faucet(chain, asset, sender.address, amount)
      }
      return deposit(
        chain,
        sender,
        { ledger, asset, router: network.router.address, key: purse.payer },
        amount,
      )
    },
    async balance() {
      const { purse, reader, network } = await session()
      const { payer } = purse
      const { deposited, spent, thawing } = await reader.account(network.router.address, payer)
      // After the chain has answered, in one look: a call may be booked meanwhile.
      const { charged } = purse
      const held = purse.pending.reduce((sum, call) => sum + call.message.maxPrice, 0n)
      const available = thawing > 0n ? 0n : most(0n, deposited - most(charged, spent) - held)
      return { payer, deposited, spent, thawing, charged, held, available }
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
    async idle() {
      const opened = await opening?.catch(() => undefined)
      await opened?.session.purse.idle()
    },
    async close() {
      isClosed = true
      const opened = await opening?.catch(() => undefined)
      opening = undefined
      opened?.outcome.stop()
      await opened?.session.purse.close()
    },
  }
}

const most = (a: bigint, b: bigint): bigint => {
  if (a > b) return a
  return b
}
