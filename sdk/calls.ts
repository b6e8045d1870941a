import type { Hex } from 'viem'
import type { Delivery } from './answer.ts'
import { decode, decoderOf, mediaTypeOf, type Piece } from './decode.ts'
import { asHeuristError, bug, type HeuristError, later, refused } from './errors.ts'
import { LateStream } from './late-stream.ts'
import type { OpenCall, Outcome } from './outcome.ts'
import { mayLookAgain, mayRepeat, patienceOf } from './patience.ts'
import { toHex } from './protocol/bytes.ts'
import { type Ack, END, type Receipt, type Request } from './protocol/messages.ts'
import { maxPriceOf, unitLimitsOf } from './protocol/price.ts'
import type { Countersigned, Job } from './protocol/wire.ts'
import type { PodVersion, Session } from './session.ts'
import { isUnknown, type JobEvent, joinBytes, type Transport } from './transport.ts'

export interface CallOptions {
  /** Aborting leaves the call. */
  signal?: AbortSignal
  /** Only this node may answer; 0 = the router chooses. */
  node?: number
  /** The most this call may cost, base units; default: what its input can cost at most. Less than that is not signed. */
  maxPrice?: bigint
  /** Seconds until nobody should start the work; default: the pod's own limit and half a minute. */
  seconds?: number
  /** How often to ask again when the router is busy or the connection breaks; default 3. The call is paid once. */
  retries?: number
  /**
   * Awaited once the call is signed and before anybody sees it: the place to write down who it is for, and the job itself
   * where its answer is to be had again. If it fails, no call is made.
   */
  signed?: (request: Hex, job: Job) => void | Promise<void>
}

export type AgainOptions = Pick<CallOptions, 'signal' | 'retries'>

/** What a pod is asked: its input document, or just the prompt of a chat or an image. */
export type Input = string | object

/** A verified answer. */
export interface Answer {
  /** The call's identity: what receipts are looked up by. */
  request: Hex
  node: number
  /** Base units. */
  price: bigint
  bytes: Uint8Array
  mediaType: string
  /** Chat and translate: the whole text. */
  text?: string
  /** Chat and translate: why it ended, `stop` or `length`. */
  finish?: string
  /** Embed: one vector of length 1 per text, in their order. */
  embeddings?: number[][]
  provider: Countersigned['provider']
  receipt: Receipt
  ack: Ack
  /** Receipt and acknowledgement with both signatures, as the router sent them. */
  countersigned: Countersigned
}

/** An answer as it is made. Breaking out of the loop leaves the call: only what was delivered is paid. */
export interface AnswerStream extends AsyncIterable<Piece> {
  /** Known as soon as the call is signed. */
  readonly request: Promise<Hex>
  /** The verified whole, after the last piece; rejects if the call failed or was left. */
  readonly answer: Promise<Answer>
}

/** A call that is signed and not answered yet. */
interface Signed extends OpenCall {
  session: Session
  outcome: Outcome
  version: PodVersion
  job: Job
  /** Unix seconds after which no answer is awaited any more. */
  until: number
}

/** Beyond this a whole answer could outlast the idle limit of HTTP connections on the way. Seconds. */
const LONGEST_WHOLE_SECONDS = 200
/** For the way there and back, beyond the request's deadline and the pod's own limit. Seconds. */
const ANSWER_GRACE = 15

export interface Opened {
  session: Session
  outcome: Outcome
}

export function createCalls(transport: Transport, frontend: number, open: () => Promise<Opened>) {
  const freshId = randomIds()

  async function sign(pod: string | number, input: Input, options: CallOptions): Promise<Signed> {
    const { session, outcome } = await open()
    const version = await session.pod(pod)
    const { manifest } = version
    const document = documentOf(input, version)
    const text = JSON.stringify(document)
    const bytes = new TextEncoder().encode(text)
    if (bytes.length > manifest.limits.inputBytes) throw tooLarge(bytes.length, manifest.limits.inputBytes)
    const needed = maxPriceOf(manifest, unitLimitsOf(manifest, document, bytes.length))
    const maxPrice = options.maxPrice ?? needed
    if (maxPrice < needed) throw tooDear(maxPrice, needed)
    const deadline = nowSeconds() + (options.seconds ?? manifest.limits.seconds + 30)
    const message: Request = {
      payer: session.purse.payer,
      id: freshId(),
      pod: version.pod,
      manifest: version.hash,
      frontend,
      node: options.node ?? 0,
      maxPrice,
      deadline,
      input: session.hasher.bytes(bytes),
    }
    if (options.signal?.aborted) throw leftError(options.signal)
    const { chainId } = session.network
    const signed = await session.purse.reserve(message, ({ request, voucher, signature }) =>
      options.signed?.(request, { chainId, request: message, voucher, signature, input: text }),
    )
    const { request, voucher, signature } = signed
    const job: Job = { chainId, request: message, voucher, signature, input: text }
    return {
      session,
      outcome,
      version,
      message,
      request,
      job,
      until: lastSecond(deadline, version),
      delivery: { left: false },
    }
  }

  /**
   * A call that was signed before, by this process or an earlier one.
   *
   * @throws `call.over` (refused) if nothing was charged for it and nothing will be: to ask for it would be a new call.
   */
  async function signedBefore(job: Job): Promise<Signed> {
    const { session, outcome } = await open()
    const { request: message } = job
    const request = session.hasher.struct('Request', message)
    const isOpen = session.purse.isPending(request)
    if (!isOpen && !(await outcome.isCharged(request))) throw over(request)
    const version = await session.version(message.pod, message.manifest)
    const until = Math.max(
      lastSecond(message.deadline, version),
      nowSeconds() + version.manifest.limits.seconds,
    )
    return { session, outcome, version, message, request, job, until, delivery: { left: true } }
  }

  /** A pod that published a new version meanwhile is read afresh, once; nothing was charged for the refusal. */
  async function onCurrentVersion<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      if (asHeuristError(cause).code !== 'manifest.wrong') throw cause
      return work()
    }
  }

  async function runSigned(call: Signed, options: CallOptions): Promise<Answer> {
    const { signal, end } = patienceOf(call.until, options.signal)
    let delivery: Delivery = { read: 0n, left: true }
    let cut = call.delivery.left
    try {
      for (let attempt = 0; ; attempt += 1) {
        try {
          const { bytes, answer } = await transport.run(call.job, signal)
          delivery = { read: BigInt(bytes.length), bytes, left: cut, all: true }
          await accepted(call, delivery, answer, signal, options.retries)
          if (answer.receipt.end === END.clientLeft) throw interruptedError(answer)
          return finished(call, answer, bytes)
        } catch (cause) {
          // A router that hears the connection break takes it for leaving.
          if (isUnknown(cause)) cut = true
          if (!signal.aborted && (await mayRepeat(cause, attempt, signal, options.retries))) continue
          if (!signal.aborted) throw await givenUp({ ...call, delivery }, cause)
          await leave(call, delivery.bytes ?? new Uint8Array())
          throw leftError(options.signal)
        }
      }
    } finally {
      end()
    }
  }

  /** A job that may outlast an idle connection is kept alive by the events of a stream. */
  async function runStreamed(call: Signed, options: CallOptions): Promise<Answer> {
    let answer: Answer | undefined
    for await (const _ of pieces(call, options, (settled) => (answer = settled)));
    if (!answer) throw bug('answer.missing', 'the stream ended without its answer')
    return answer
  }

  /** One streamed call, piece by piece; `settle` gets the verified answer. */
  async function* pieces(
    call: Signed,
    options: CallOptions,
    settle: (answer: Answer) => void,
  ): AsyncGenerator<Piece> {
    const { signal, end } = patienceOf(call.until, options.signal)
    const decoder = decoderOf(call.version.manifest.kind)
    const parts: Uint8Array[] = []
    const stream = { read: 0, cut: false }
    const delivered = (): Delivery => {
      const bytes = joinBytes(parts)
      return { read: BigInt(bytes.length), bytes, left: stream.cut }
    }
    let decided = false
    try {
      for await (const event of resuming(call, options, signal, stream)) {
        if (event.type === 'chunk') {
          parts.push(event.bytes)
          if (stream.read > call.version.manifest.limits.outputBytes) throw tooLong(stream.read)
          yield decoder.push(event.bytes)
        } else if (event.type === 'receipt') {
          const delivery = { ...delivered(), all: true }
          await accepted(call, delivery, event.answer, signal, options.retries)
          decided = true
          if (event.answer.receipt.end === END.clientLeft) throw interruptedError(event.answer)
          const last = readOf(event.answer, () => decoder.end())
          if (last) yield last
          settle(finished(call, event.answer, delivery.bytes ?? new Uint8Array()))
        }
      }
    } catch (cause) {
      if (signal.aborted) throw leftError(options.signal)
      const known = !isUnknown(cause) && asHeuristError(cause).code !== 'output.unreadable'
      if (!decided && known) {
        decided = true
        throw await givenUp({ ...call, delivery: delivered() }, cause)
      }
      throw cause
    } finally {
      end()
      if (!decided) await leave(call, joinBytes(parts))
    }
  }

  /** A stream that is cut is asked for again: the router replays what it delivered, which is read past. */
  async function* resuming(
    call: Signed,
    options: CallOptions,
    signal: AbortSignal,
    stream: { read: number; cut: boolean },
  ): AsyncGenerator<JobEvent> {
    for (let attempt = 0; ; attempt += 1) {
      let skip = stream.read
      try {
        for await (const event of transport.stream(call.job, signal)) {
          if (event.type !== 'chunk') {
            yield event
            continue
          }
          const fresh = event.bytes.subarray(Math.min(skip, event.bytes.length))
          skip -= event.bytes.length - fresh.length
          stream.read += fresh.length
          if (fresh.length > 0) yield { type: 'chunk', bytes: fresh }
        }
        return
      } catch (cause) {
        // A router that hears the connection break takes it for leaving.
        if (isUnknown(cause)) stream.cut = true
        else if (stream.read > 0) throw cause
        if (signal.aborted || !(await mayRepeat(cause, attempt, signal, options.retries))) throw cause
      }
    }
  }

  async function* told(
    use: { begun: boolean },
    signOnce: () => Promise<Signed>,
    options: CallOptions,
    answer: Deferred<Answer>,
  ): AsyncGenerator<Piece> {
    if (use.begun) throw refused('stream.consumed', 'an answer is streamed once; keep its pieces')
    use.begun = true
    try {
      yield* pieces(await signOnce(), options, answer.resolve)
    } catch (cause) {
      answer.reject(cause)
      throw cause
    } finally {
      answer.reject(refused('call.left', 'the call was left before its end'))
    }
  }

  return {
    run: (pod: string | number, input: Input, options: CallOptions = {}): Promise<Answer> =>
      onCurrentVersion(async () => {
        const call = await sign(pod, input, options)
        const long = call.version.manifest.limits.seconds > LONGEST_WHOLE_SECONDS
        return long ? runStreamed(call, options) : runSigned(call, options)
      }),

    again: async (job: Job, options: AgainOptions = {}): Promise<Answer> =>
      runSigned(await signedBefore(job), options),

    stream(pod: string | number, input: Input, options: CallOptions = {}): AnswerStream {
      const answer = deferred<Answer>()
      let signed: Promise<Signed> | undefined
      // Whoever only holds a stream owes nothing: it is signed when its id or its first piece is wanted.
      const signOnce = () => {
        signed ??= sign(pod, input, options)
        return signed
      }
      const use = { begun: false }
      return new LateStream({
        request: () => signOnce().then((call) => call.request),
        answer: () => answer.promise,
        pieces: () => told(use, signOnce, options, answer),
      })
    },
  }
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** Unix seconds after which no answer of a call is awaited. */
const lastSecond = (deadline: number, { manifest }: PodVersion): number =>
  deadline + manifest.limits.seconds + ANSWER_GRACE

/** Verifies and books an answer. It is here already: while the chain does not answer, it is looked at again. */
async function accepted(
  { request, message, job, version, outcome }: Signed,
  delivery: Delivery,
  answer: Countersigned,
  signal: AbortSignal,
  retries: number | undefined,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await outcome.accept({ request, message, job, delivery }, version, answer)
    } catch (cause) {
      if (!(await mayLookAgain(cause, attempt, signal, retries))) throw cause
    }
  }
}

/** Decides nothing yet: the receipt for what was delivered comes once the node has heard of it. */
async function leave(call: Signed, bytes: Uint8Array): Promise<void> {
  const read = BigInt(bytes.length)
  await call.session.purse.leave(call.request, read)
  call.outcome.follow({ ...call, delivery: { read, bytes, left: true } })
}

/** The last word on a call that failed: charged nothing, or still open and followed up. */
async function givenUp(call: Signed, cause: unknown): Promise<HeuristError> {
  const error = asHeuristError(cause)
  if (error.code === 'manifest.wrong') call.session.forgetPods()
  await call.outcome.failed(call.request, error)
  call.outcome.follow(call)
  return error
}

const leftError = (signal: AbortSignal | undefined): HeuristError =>
  signal?.aborted
    ? refused('call.left', 'the call was left before its end', { cause: signal.reason })
    : later('job.timeout', 'no answer came in time', { fix: 'Try again; nothing undelivered is charged.' })

const interruptedError = ({ receipt }: Countersigned): HeuristError =>
  later('stream.interrupted', 'the connection broke, and the router took it for leaving', {
    fix: 'Ask again; only what was delivered is charged.',
    details: { length: Number(receipt.length), price: receipt.price.toString() },
  })

const over = (request: Hex): HeuristError =>
  refused('call.over', `the call ${request} came to nothing, and was not charged`, {
    fix: 'Ask anew: that is another call.',
  })

/** Before anything is signed. */
const tooLarge = (bytes: number, most: number): HeuristError =>
  refused('input.too_large', `the input has ${bytes} bytes, and this pod reads ${most} at most`, {
    fix: 'Make it shorter: nothing was signed or charged for this.',
    details: { bytes, most },
  })

/** As the router says it, before anything is signed. */
const tooDear = (maxPrice: bigint, needed: bigint): HeuristError =>
  refused('price.too_low', 'maxPrice is below what this input can cost', {
    fix: 'Ask for a quote, and allow its maxPrice.',
    details: { maxPrice: maxPrice.toString(), needed: needed.toString() },
  })

const tooLong = (read: number): HeuristError =>
  refused('output.too_long', `${read} bytes are more than the pod's manifest allows`, {
    fix: 'Ask again, of another node if there is one: this one does not keep to its manifest.',
  })

/** What an answer says that is booked by now. @throws `output.unreadable` (bug), with the price that was charged. */
function readOf<T>({ receipt }: Countersigned, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const { code, message } = asHeuristError(cause)
    throw bug(code, message, { details: { price: receipt.price.toString() }, cause })
  }
}

function finished({ version, request }: Signed, answer: Countersigned, bytes: Uint8Array): Answer {
  const { text, finish, embeddings } = readOf(answer, () => decode(version.manifest.kind, bytes))
  return {
    request,
    node: answer.receipt.node,
    price: answer.receipt.price,
    bytes,
    mediaType: mediaTypeOf(version.manifest.kind),
    ...(text === undefined ? {} : { text }),
    ...(finish === undefined ? {} : { finish }),
    ...(embeddings === undefined ? {} : { embeddings }),
    provider: answer.provider,
    receipt: answer.receipt,
    ack: answer.ack,
    countersigned: answer,
  }
}

const ID_BYTES = 32
const IDS_AT_ONCE = 32

/** Random ids. Drawn many at once: asking the system costs more than what it gives. */
function randomIds(): () => Hex {
  const drawn = new Uint8Array(IDS_AT_ONCE * ID_BYTES)
  let at = drawn.length
  return () => {
    if (at === drawn.length) {
      crypto.getRandomValues(drawn)
      at = 0
    }
    at += ID_BYTES
    return toHex(drawn.subarray(at - ID_BYTES, at))
  }
}

/** A bare prompt as the document that its kind of pod reads. @throws `input.invalid` (refused). */
export function documentOf(input: Input, { manifest }: Pick<PodVersion, 'manifest'>): object {
  if (typeof input !== 'string') return input
  if (manifest.kind === 'chat') return { messages: [{ role: 'user', content: input }] }
  if (manifest.kind === 'image') return { prompt: input }
  if (manifest.kind === 'embed') return { input }
  throw refused('input.invalid', `a ${manifest.kind} pod needs its input document, not just text`)
}

interface Deferred<T> {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (cause: unknown) => void
}

/** A promise settled from outside; its rejection may go unheard. */
function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (cause: unknown) => void = () => {}
  const promise = new Promise<T>((whenDone, whenFailed) => {
    resolve = whenDone
    reject = whenFailed
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
