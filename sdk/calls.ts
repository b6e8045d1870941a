import { bytesToHex, type Hex } from 'viem'
import { checkAnswer, LEFT_ALLOWANCE } from './answer.ts'
import { decoderOf, mediaTypeOf, type Piece } from './decode.ts'
import { receiptDocumentSchema } from './documents.ts'
import { asHeuristError, HeuristError, refused } from './errors.ts'
import type { PendingCall } from './journal.ts'
import { keccak, runningHash, toHex } from './protocol/bytes.ts'
import type { Ack, Receipt, Request } from './protocol/messages.ts'
import { maxPriceOf, unitLimitsOf } from './protocol/price.ts'
import { type Countersigned, countersignedSchema, type Job } from './protocol/wire.ts'
import type { PodVersion, Session } from './session.ts'
import { isAbort, type JobEvent, mayRetry, type Transport } from './transport.ts'

export interface CallOptions {
  /** Aborting leaves the call. */
  signal?: AbortSignal
  /** Only this node may answer; 0 = the router chooses. */
  node?: number
  /** The most this call may cost, base units; default: what its input can cost at most. */
  maxPrice?: bigint
  /** Seconds until nobody should start the work; default: the pod's own limit and half a minute. */
  seconds?: number
}

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
  /** Chat: why it ended, `stop` or `length`. */
  finish?: string
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
interface Signed {
  session: Session
  version: PodVersion
  message: Request
  request: Hex
  job: Job
}

/** How long a cut connection is answered by sending the same request again. */
const RETRY_PAUSES_MS = [250, 1_000, 3_000]

export function createCalls(transport: Transport, frontend: number, session: () => Promise<Session>) {
  async function sign(pod: string | number, input: object, options: CallOptions): Promise<Signed> {
    const opened = await session()
    const version = await opened.pod(pod)
    const text = JSON.stringify(input)
    const bytes = new TextEncoder().encode(text)
    const { manifest } = version
    const message: Request = {
      payer: opened.purse.payer,
      id: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
      pod: version.pod,
      manifest: version.hash,
      frontend,
      node: options.node ?? 0,
      maxPrice: options.maxPrice ?? maxPriceOf(manifest, unitLimitsOf(manifest, input, bytes.length)),
      deadline: Math.floor(Date.now() / 1000) + (options.seconds ?? manifest.limits.seconds + 30),
      input: toHex(keccak(bytes)),
    }
    const { request, voucher, signature } = await opened.purse.reserve(message)
    const job: Job = { chainId: opened.network.chainId, request: message, voucher, signature, input: text }
    return { session: opened, version, message, request, job }
  }

  /** Verifies, then books; a wrong answer is rejected, and a wrong claim that we left retires the key. */
  async function accept(
    { session: { purse, hasher, reader, network }, version, message, request }: Signed,
    answer: Countersigned,
    facts: { read?: { length: bigint; digest: Hex }; left?: bigint },
  ): Promise<void> {
    const mostBefore = purse.mostBefore(request)
    const expected = {
      ...facts,
      request,
      message,
      manifest: version.manifest,
      router: network.router.address,
      mostBefore,
    }
    try {
      await checkAnswer(answer, expected, hasher, reader)
    } catch (cause) {
      const { code, kind } = asHeuristError(cause)
      if (kind === 'later') throw cause
      await purse.reject(request, code)
      if (code === 'receipt.end_mismatch' || code === 'receipt.length_over_read') await purse.retire(code)
      throw cause
    }
    await purse.book(request, answer)
  }

  /** What a failure means for the money: refusals and failed work release it; silence leaves it at stake. */
  async function failed({ session: { purse }, request }: Signed, cause: unknown): Promise<void> {
    if (!(cause instanceof HeuristError) || mayRetry(cause) || cause.code === 'chain.unreachable') return
    if (purse.pending.some((call) => call.request === request)) await purse.release(request, cause.code)
  }

  async function runSigned(call: Signed, signal?: AbortSignal): Promise<Answer> {
    for (const pause of [...RETRY_PAUSES_MS, undefined]) {
      try {
        const { bytes, answer } = await transport.run(call.job, signal)
        await accept(call, answer, { read: { length: BigInt(bytes.length), digest: toHex(keccak(bytes)) } })
        return finished(call, answer, bytes)
      } catch (cause) {
        if (pause === undefined || !mayRetry(cause) || signal?.aborted) {
          await failed(call, cause)
          throw signal?.aborted ? await leftWhole(call) : cause
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
    throw refused('unreachable', 'the loop above always returns or throws')
  }

  /** Nothing of a whole answer was delivered: nothing is owed. A receipt that was faster than us is resolved later. */
  async function leftWhole(call: Signed): Promise<HeuristError> {
    await resolveOne(call.session, {
      request: call.request,
      message: call.message,
      voucher: call.job.voucher,
    })
    return refused('call.left', 'the call was left before its answer came')
  }

  function finished({ version, request }: Signed, answer: Countersigned, bytes: Uint8Array): Answer {
    const piece = decoderOf(version.manifest.kind).push(bytes)
    return {
      request,
      node: answer.receipt.node,
      price: answer.receipt.price,
      bytes,
      mediaType: mediaTypeOf(version.manifest.kind),
      ...(piece.text === undefined ? {} : { text: piece.text }),
      ...(piece.finish === undefined ? {} : { finish: piece.finish }),
      provider: answer.provider,
      receipt: answer.receipt,
      ack: answer.ack,
      countersigned: answer,
    }
  }

  /** One streamed call, piece by piece; `settle` gets the verified answer. */
  async function* pieces(
    call: Signed,
    signal: AbortSignal | undefined,
    settle: (answer: Answer) => void,
  ): AsyncGenerator<Piece> {
    const decoder = decoderOf(call.version.manifest.kind)
    const hash = runningHash()
    const parts: Uint8Array[] = []
    const { purse } = call.session
    const events = transport.stream(call.job, signal)
    let done = false
    try {
      for await (const event of resuming(call, events, () => hash.length, signal)) {
        if (event.type === 'chunk') {
          hash.update(event.bytes)
          parts.push(event.bytes)
          yield decoder.push(event.bytes)
        } else if (event.type === 'receipt') {
          const read = { length: BigInt(hash.length), digest: hash.digest() }
          await accept(call, event.answer, { read })
          done = true
          settle(finished(call, event.answer, join(parts)))
        }
      }
    } catch (cause) {
      done = !isAbort(cause)
      if (done) await failed(call, cause)
      throw done ? cause : refused('call.left', 'the call was left before its end')
    } finally {
      if (!done) {
        await purse.leave(call.request, BigInt(hash.length))
        // The receipt for the delivered part comes once the node has heard of it.
        void settleLeft(call)
      }
    }
  }

  /** A stream that is cut is asked for again: the router replays what it delivered, which is read past. */
  async function* resuming(
    call: Signed,
    first: AsyncGenerator<JobEvent>,
    read: () => number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<JobEvent> {
    let events = first
    for (const pause of [...RETRY_PAUSES_MS, undefined]) {
      let skip = events === first ? 0 : read()
      try {
        for await (const event of events) {
          if (event.type !== 'chunk' || skip === 0) yield event
          else if (event.bytes.length <= skip) skip -= event.bytes.length
          else {
            yield { type: 'chunk', bytes: event.bytes.subarray(skip) }
            skip = 0
          }
        }
        return
      } catch (cause) {
        if (pause === undefined || !mayRetry(cause) || signal?.aborted) throw cause
        await new Promise((resolve) => setTimeout(resolve, pause))
        events = transport.stream(call.job, signal)
      }
    }
  }

  async function settleLeft(call: Signed): Promise<void> {
    for (const pause of RETRY_PAUSES_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause))
      const pending = call.session.purse.pending.find((each) => each.request === call.request)
      if (!pending || (await resolveOne(call.session, pending).catch(() => false))) return
    }
  }

  /** Asks what became of a call that is signed for. @returns whether it is decided now. */
  async function resolveOne(opened: Session, pending: PendingCall): Promise<boolean> {
    const { purse } = opened
    const { request, message } = pending
    const document = await transport
      .get(`/v1/receipts/${request}`, receiptDocumentSchema)
      .catch((cause: unknown) => {
        if (asHeuristError(cause).code === 'receipt.unknown') return undefined
        throw cause
      })
    if (document === undefined) {
      // Never admitted; after its deadline it never will be.
      if (Date.now() / 1000 < message.deadline + 60) return false
      await purse.release(request, 'request.expired')
      return true
    }
    if (document.status === 'failed') {
      await purse.release(request, document.error?.code ?? 'job.failed')
      return true
    }
    const whole = countersignedSchema.safeParse({
      receipt: document.receipt && JSON.parse(JSON.stringify(document.receipt, decimal)),
      signature: document.signature,
      provider: document.provider,
      ack: document.ack && JSON.parse(JSON.stringify(document.ack, decimal)),
      ackSignature: document.ackSignature,
    })
    if (!whole.success) return false
    const version = await opened.pod(message.pod)
    const job: Job = {
      chainId: opened.network.chainId,
      request: message,
      voucher: pending.voucher,
      signature: '0x',
      input: '',
    }
    const left =
      pending.left ?? (whole.data.receipt.end === 1 ? whole.data.receipt.length - LEFT_ALLOWANCE : undefined)
    await accept(
      { session: opened, version, message, request, job },
      whole.data,
      left === undefined ? {} : { left },
    )
    return true
  }

  return {
    async run(pod: string | number, input: object, options: CallOptions = {}): Promise<Answer> {
      return runSigned(await sign(pod, input, options), options.signal)
    },

    stream(pod: string | number, input: object, options: CallOptions = {}): AnswerStream {
      const signed = sign(pod, input, options)
      const answer = deferred<Answer>()
      const request = signed.then((call) => call.request)
      request.catch(() => undefined)
      async function* iterate(): AsyncGenerator<Piece> {
        try {
          yield* pieces(await signed, options.signal, answer.resolve)
        } catch (cause) {
          answer.reject(cause)
          throw cause
        } finally {
          answer.reject(refused('call.left', 'the call was left before its end'))
        }
      }
      return { request, answer: answer.promise, [Symbol.asyncIterator]: iterate }
    },

    /** Decides, as far as it can be known, what every call in the journal came to. */
    async resolvePending(opened: Session): Promise<void> {
      for (const pending of opened.purse.pending) {
        await resolveOne(opened, pending).catch((cause: unknown) => {
          if (asHeuristError(cause).kind === 'bug') throw cause
        })
      }
    },
  }
}

const decimal = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A promise settled from outside; its rejection may go unheard. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (cause: unknown) => void = () => {}
  const promise = new Promise<T>((whenDone, whenFailed) => {
    resolve = whenDone
    reject = whenFailed
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
