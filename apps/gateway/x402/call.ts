import type { SettleResponse } from '@x402/core/types'
import type { FastifyReply } from 'fastify'
import type { Hex } from 'viem'
import { type HeuristError, later, refused } from '../../../sdk/errors.ts'
import { formatUsd } from '../../../sdk/units.ts'
import { HOUSE, type Order, type Ticket, type Till } from '../till/till.ts'
import type { Books, KeptAnswer } from './books.ts'
import type { Cashier } from './cashier.ts'
import type { Payment } from './payment.ts'
import type { Final, Settler } from './settler.ts'
import { LEAST_SECONDS, leastForStream, requirementsOf, type Terms, type X402Config } from './terms.ts'

/** In the gateway's own account, what calls that were paid by x402 cost. */
export const X402 = 'x402'
/** How long an answer waits for its payment to be in a block. Then it is given out, and the payment goes on. */
export const SETTLE_MS = 20_000

export interface CallDeps {
  till: Pick<Till, 'open'>
  books: Books
  cashier: Cashier
  settler: Settler
  terms: Terms
  /** Payments whose requests are still being answered by this process. */
  live: Set<string>
  limits: Pick<X402Config, 'mostAtRisk' | 'mostInFlight'>
  now?: () => number
}

/** The jobs of one request, known once all of them are asked for: what it costs at most is their sum. */
export interface Quote {
  /** Waits until all jobs of the request have asked. */
  add(order: Order): Promise<void>
  readonly jobs: number
  readonly most: bigint
  /** The longest that a pod works on one of them. */
  readonly seconds: number
}

export const openQuote = (): Quote => new QuoteSoFar()

/** A class, as everything with accessors that is made for each call (see sdk/late-stream.ts). */
class QuoteSoFar implements Quote {
  readonly #orders: Order[] = []
  #all: Promise<void> | undefined

  add(order: Order): Promise<void> {
    this.#orders.push(order)
    // A route asks for its jobs in one turn.
    this.#all ??= new Promise((resolve) => setImmediate(resolve))
    return this.#all
  }

  get jobs(): number {
    return this.#orders.length
  }

  get most(): bigint {
    return this.#orders.reduce((sum, { most }) => sum + most, 0n)
  }

  get seconds(): number {
    return Math.max(0, ...this.#orders.map(({ seconds = 0 }) => seconds))
  }
}

/** Says what a call costs instead of making it. @param why  What was wrong with the payment that came along. */
export function quotingTill(quote: Quote, why?: HeuristError): { open(order: Order): Promise<Ticket> } {
  return {
    async open(order) {
      await quote.add(order)
      if (quote.jobs > 1) throw oneJob()
      throw why ?? required(quote.most)
    },
  }
}

const required = (most: bigint): HeuristError =>
  refused('payment.required', `This call needs an API key, or a payment of $${formatUsd(most)}`, {
    fix: "Send 'Authorization: Bearer <key>', or pay by x402: what is accepted stands in the header PAYMENT-REQUIRED.",
    details: { most: most.toString() },
  })

export const oneJob = (): HeuristError =>
  refused('payment.one_answer', 'A payment of a fixed price is for one answer', {
    field: 'n',
    fix: 'Ask for one answer a call, or use an API key.',
  })

/** A request that comes with its payment: verified, then carried out, then settled. */
export interface PaidCall {
  /** Its answer is sent at once, and costs the same if nobody waits for it. */
  readonly whole: boolean
  till: { open(order: Order): Promise<Ticket> }
  /**
   * The whole answer is ready to be sent: it is kept and the payment taken.
   *
   * @returns what to say in PAYMENT-RESPONSE.
   * @throws `payment.failed` (refused): the answer must not be sent.
   */
  answered(answer: KeptAnswer): Promise<SettleResponse>
  /** A stream was told to its end. @returns undefined if nothing was to be paid. */
  told(): Promise<SettleResponse | undefined>
  /** The request was refused or failed, which its caller is told: once it is known what it cost, the payment is not used. */
  failed(): void
}

export function openPaidCall(
  payment: Payment,
  quote: Quote,
  facts: { streams: boolean; asked: string; reply: FastifyReply },
  deps: CallDeps,
): PaidCall {
  const { books, settler, terms, live } = deps
  const { streams, asked, reply } = facts
  let admitted: Promise<void> | undefined
  let open = 0
  let cost = 0n
  let mine = false
  let due = false
  let over = false

  async function admit(): Promise<void> {
    if (quote.jobs > 1) throw oneJob()
    const least = streams ? leastForStream(quote.seconds) : LEAST_SECONDS
    checkTerms(payment, { most: quote.most, least }, deps)
    if (books.find(payment.id) !== undefined) throw replayed()
    const { since, balance } = await readChain(payment, deps)
    checkLimits(payment, balance, deps)
    const gone = reply.raw.destroyed
    // Whole answers are kept until their caller comes back; a stream is told now or never.
    if (gone && streams) throw refused('call.left', 'the caller left')
    if (!books.admit({ payment, ahead: streams, asked, since })) throw replayed()
    mine = true
    if (gone) return
    live.add(payment.id)
    reply.raw.once('close', () => live.delete(payment.id))
  }

  /** The call was in vain, and it is known what it cost. Never what another request holds. */
  function release(): void {
    if (!mine) return
    mine = false
    if (cost > 0n) books.forfeit(payment.id, cost)
    else books.release(payment.id)
  }

  function ended(): void {
    if (open > 0 || due) return
    if (over || (streams && cost === 0n)) return release()
    // What was begun and left is paid; a whole answer is, once it is ready to be sent.
    if (!streams) return
    books.earn(payment.id, cost)
    due = true
    void settler.settle(payment.id)
  }

  return {
    whole: !streams,
    till: {
      async open(order) {
        await quote.add(order)
        admitted ??= admit()
        await admitted
        // One that asks after the others is none of those that were paid.
        if (quote.jobs > 1) throw oneJob()
        const { pod, most } = order
        const ticket = deps.till.open({ wallet: HOUSE, key: X402, pod, most })
        open += 1
        let done = false
        const paid: Ticket & { request: Hex | undefined } = {
          wallet: ticket.wallet,
          request: undefined,
          async signed(request) {
            paid.request = request
            try {
              await ticket.signed(request)
            } finally {
              paid.request = ticket.request
            }
          },
          close(price) {
            ticket.close(price)
            if (done) return
            done = true
            open -= 1
            cost += price.price
            ended()
          },
        }
        return paid
      },
    },
    async answered(answer) {
      books.earn(payment.id, cost, answer)
      const final = await atMost(settler.settle(payment.id), SETTLE_MS)
      if (final?.is === 'lost') throw notPaid(final.why)
      if (final === undefined) books.handOut(payment.id)
      reply.raw.once('finish', () => books.delivered(payment.id))
      return responseOf(payment, terms, final)
    },
    async told() {
      if (!due) return undefined
      return responseOf(payment, terms, await atMost(settler.settle(payment.id), SETTLE_MS))
    },
    failed() {
      // A stream that fails because it is left was not told so to anybody.
      over ||= !streams || !reply.raw.destroyed
      ended()
    },
  }
}

/** @param least  For how long it must stay good. Seconds. */
function checkTerms(
  { payload, amount, to, after, until }: Payment,
  { most, least }: { most: bigint; least: number },
  deps: CallDeps,
): void {
  const { terms, now = Date.now } = deps
  const { accepted } = payload
  const seconds = Math.floor(now() / 1000)
  const wrong = (what: string, is: string, should: string) => {
    throw invalid(`${what} is ${is}, not ${should}`)
  }
  if (accepted.network !== terms.network) wrong('its network', accepted.network, terms.network)
  if (accepted.asset.toLowerCase() !== terms.asset) wrong('its asset', accepted.asset, terms.asset)
  if (to !== terms.payTo) wrong('its recipient', to, terms.payTo)
  if (amount !== most) wrong('its amount', amount.toString(), `the ${most} base units of this call`)
  if (after >= seconds) throw invalid('it is not valid yet')
  if (until < seconds + least) throw invalid(`it is good for less than ${least} seconds more`)
}

function checkLimits({ payer, amount }: Payment, balance: bigint, { books, limits }: CallDeps): void {
  if (books.owes(payer)) {
    throw refused('payment.owed', 'This wallet had an answer in the last day that it did not pay', {
      fix: 'Pay from another wallet, or use an API key.',
    })
  }
  const underWay = books.underWay(payer)
  if (underWay.count >= limits.mostInFlight) {
    throw refused('payment.too_many', `This wallet has ${limits.mostInFlight} payments under way`, {
      fix: 'Wait until one of them is settled.',
    })
  }
  if (underWay.amount + amount > balance) {
    const [signed, has] = [formatUsd(underWay.amount + amount), formatUsd(balance)]
    throw invalid(`the wallet has $${has}; what it signed here and is not settled yet comes to $${signed}`)
  }
  if (books.atRisk() + amount > limits.mostAtRisk) {
    throw later('payment.paused', 'This door has as many payments under way as it lends for', {
      fix: 'Try again shortly, or use an API key.',
      details: { retryAfterSeconds: 5 },
    })
  }
}

/** What the wallet has; and this authorisation must go through as the chain is now. */
async function readChain(payment: Payment, { cashier, terms }: CallDeps) {
  const [since, balance, verified] = await Promise.all([
    cashier.block(),
    cashier.balanceOf(payment.payer),
    cashier.verify(payment.payload, requirementsOf(terms, payment.amount)),
  ])
  if (!verified.isValid) throw invalid(verified.invalidReason ?? 'the facilitator does not say why')
  return { since, balance }
}

export const invalid = (why: string): HeuristError =>
  refused('payment.invalid', `The payment is refused: ${why}`, {
    fix: 'Sign a new one for what PAYMENT-REQUIRED offers now.',
  })

export const replayed = (): HeuristError =>
  refused('payment.replayed', 'This payment was used already, or is being used', {
    fix: 'Sign a new payment for a new call; to ask again for one answer, send an Idempotency-Key along.',
  })

const notPaid = (why: string): HeuristError =>
  refused('payment.failed', `The payment could not be taken, and the answer is withheld: ${why}`, {
    fix: 'Sign a new one from a wallet that has the money.',
  })

/** Resolves with undefined if it takes longer. */
export async function atMost(final: Promise<Final>, ms: number): Promise<Final | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([final, late]).finally(() => clearTimeout(timer))
}

/** In x402's words. */
export function responseOf(payment: Payment, terms: Terms, final: Final | undefined): SettleResponse {
  const common = { network: terms.network, payer: payment.payer, amount: payment.amount.toString() }
  if (final?.is === 'settled') return { success: true, transaction: final.transaction, ...common }
  const errorReason = final === undefined ? 'settlement_pending' : 'settlement_failed'
  return { success: false, errorReason, transaction: '', ...common }
}
