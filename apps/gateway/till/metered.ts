import type { Hex } from 'viem'
import { documentOf } from '../../../sdk/calls.ts'
import type { Piece } from '../../../sdk/decode.ts'
import { asHeuristError, isRejected, refused } from '../../../sdk/errors.ts'
import type { Answer, AnswerStream, CallOptions, Client, Input } from '../../../sdk/index.ts'
import { LateStream } from '../../../sdk/late-stream.ts'
import { maxPriceOf, unitLimitsOf } from '../../../sdk/protocol/price.ts'
import type { Caller } from '../caller.ts'
import type { Catalog } from '../catalog.ts'
import { HOUSE, NOTHING, type Order, type Price, type Ticket, type Till } from './till.ts'

/** In the books, what the house bore of others' calls is what this key of its account spent. */
export const WITHHELD = 'withheld'

/** Between two questions about a call whose end was not heard, growing. Milliseconds. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
/** A request that the router does not know so long after it was signed was never admitted and never will be. */
const UNKNOWN_MS = 15 * 60_000

export interface ChargedOptions extends Omit<CallOptions, 'maxPrice' | 'signed'> {
  /** Whom the call is for. */
  caller: Caller
}

export interface MeteredClient {
  run(pod: string | number, input: Input, options: ChargedOptions): Promise<Answer>
  stream(pod: string | number, input: Input, options: ChargedOptions): AnswerStream
  /** Follows the calls that an earlier process left open. */
  resume(): void
  stop(): void
}

/**
 * The gateway's client, with every call held and charged on its caller's account: never more than was held, nothing for a
 * call that failed or whose answer is wrong, and for one that was left what its receipt says. A whole answer that came and
 * could not be held to the chain is given to nobody, and charged to the house.
 */
export function meter(
  client: Pick<Client, 'run' | 'stream' | 'receipt'>,
  { catalog, till }: { catalog: Pick<Catalog, 'list'>; till: Till },
): MeteredClient {
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let stopped = false

  async function hold(caller: Caller, pod: string | number, input: Input) {
    const model = (await catalog.list()).find(({ name, pod: id }) => name === pod || id === pod)
    if (model === undefined) throw refused('pod.unknown', `The pod '${String(pod).slice(0, 128)}' is unknown`)
    if (caller.pods !== undefined && !caller.pods.includes(model.name)) {
      throw refused('pod.not_allowed', `This API key may not call '${model.name}'`, {
        field: 'model',
        fix: `It may call ${caller.pods.map((name) => `'${name}'`).join(', ')}.`,
      })
    }
    const { manifest } = model
    const document = documentOf(input, model)
    const bytes = Buffer.byteLength(JSON.stringify(document))
    const most = maxPriceOf(manifest, unitLimitsOf(manifest, document, bytes))
    const { wallet, key, quota } = caller
    const { seconds } = manifest.limits
    const order = { wallet, key, pod: model.name, seconds, most, ...(quota === undefined ? {} : { quota }) }
    const ticket = await caller.till.open(order)
    return { most, name: model.name, ticket, ours: { maxPrice: most, signed: ticket.signed } }
  }

  /** The call ended without its answer: asks the router until it says what was charged. */
  function follow(request: Hex, opened: number, close: (price: Price) => void, pause = FIRST_PAUSE_MS): void {
    if (stopped) return
    const timer = setTimeout(async () => {
      timers.delete(timer)
      const price = await priceOf(request, opened)
      if (price !== undefined) close(price)
      else follow(request, opened, close, Math.min(2 * pause, LONGEST_PAUSE_MS))
    }, pause)
    timers.add(timer)
  }

  /** @returns undefined while nobody knows. */
  async function priceOf(request: Hex, opened: number): Promise<Price | undefined> {
    try {
      const { status, receipt } = await client.receipt(request)
      if (status === 'failed') return NOTHING
      return receipt && { price: receipt.price, unitsIn: receipt.unitsIn, unitsOut: receipt.unitsOut }
    } catch (cause) {
      const unknown = asHeuristError(cause).code === 'receipt.unknown'
      return unknown && Date.now() > opened + UNKNOWN_MS ? NOTHING : undefined
    }
  }

  function failed(ticket: Ticket, cause: unknown): void {
    if (ticket.request === undefined || isRejected(cause)) ticket.close(NOTHING)
    else follow(ticket.request, Date.now(), ticket.close)
  }

  /** A whole answer that came and could not be held to the chain, and so was given to nobody. */
  const isWithheld = (cause: unknown): boolean => asHeuristError(cause).details.unchecked === true

  /** The network charges for it once it can be checked, and its caller has nothing of it: the house bears that. */
  function withhold(ticket: Ticket, order: Pick<Order, 'pod' | 'most'>, cause: unknown): void {
    const { wallet, request } = ticket
    if (wallet === HOUSE || request === undefined) return failed(ticket, cause)
    ticket.close(NOTHING)
    // Before the house's part is: a process that dies between leaves it to nobody, and not to both.
    till.flush()
    const loss = till.open({ wallet: HOUSE, key: WITHHELD, pod: order.pod, most: order.most })
    loss.signed(request).then(
      () => failed(loss, cause),
      () => loss.close(NOTHING),
    )
  }

  const paid = (ticket: Ticket, { receipt }: Answer): void =>
    ticket.close({ price: receipt.price, unitsIn: receipt.unitsIn, unitsOut: receipt.unitsOut })

  async function run(
    pod: string | number,
    input: Input,
    { caller, ...options }: ChargedOptions,
  ): Promise<Answer> {
    const { ticket, most, name, ours } = await hold(caller, pod, input)
    try {
      const answer = await client.run(pod, input, { ...options, ...ours })
      paid(ticket, answer)
      return answer
    } catch (cause) {
      if (isWithheld(cause)) withhold(ticket, { pod: name, most }, cause)
      else failed(ticket, cause)
      throw cause
    }
  }

  async function openStream(pod: string | number, input: Input, { caller, ...options }: ChargedOptions) {
    const { ticket, ours } = await hold(caller, pod, input)
    const inner = client.stream(pod, input, { ...options, ...ours })
    inner.answer.then(
      (answer) => paid(ticket, answer),
      (cause: unknown) => failed(ticket, cause),
    )
    // Never signed: no answer is waited for, and nothing is owed.
    inner.request.catch(() => ticket.close(NOTHING))
    return inner
  }

  async function* piecesOf(open: () => Promise<AnswerStream>): AsyncGenerator<Piece> {
    yield* await open()
  }

  return {
    run,
    stream(pod, input, options): AnswerStream {
      let opened: Promise<AnswerStream> | undefined
      const open = () => {
        opened ??= openStream(pod, input, options)
        return opened
      }
      return new LateStream({
        request: () => open().then((inner) => inner.request),
        answer: () => open().then((inner) => inner.answer),
        pieces: () => piecesOf(open),
      })
    },
    resume() {
      for (const { id, request, opened } of till.leftOpen()) {
        follow(request, opened, (price) => till.closeLeft(id, price))
      }
    },
    stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
