import type { Address, Hex } from 'viem'
import { checkAnswer, type Delivery, LEFT_ALLOWANCE } from './answer.ts'
import { type ReceiptDocument, receiptDocumentSchema } from './documents.ts'
import { asHeuristError, HeuristError, isRejected } from './errors.ts'
import type { PendingCall } from './journal.ts'
import type { Hasher, Receipt, Request } from './protocol/messages.ts'
import type { Countersigned, Job } from './protocol/wire.ts'
import type { PodVersion, Session } from './session.ts'
import { isUnknown, type Transport } from './transport.ts'

/** A call that is signed for and not decided between client and router yet. */
export interface OpenCall {
  request: Hex
  message: Request
  delivery: Delivery
  /** What was sent, while it is still at hand: the router repeats the answer to whoever asks with it. */
  job?: Job
}

/** Decides what signed calls came to: charged, released or rejected. */
export interface Outcome {
  /**
   * Verifies an answer and books it. One that is wrong by itself is rejected; a wrong claim that we left retires the key.
   * What could not be checked decides nothing: the call stays open, to be followed.
   *
   * @throws `receipt.*`, `ack.*` (refused) if it is wrong; what the chain says if it could not be checked, with
   *   `details.unchecked` and `details.price`: what the receipt asks, charged once it can be checked and holds.
   */
  accept(call: OpenCall, version: PodVersion, answer: Countersigned): Promise<void>
  /** A failed call: what the router refused or failed costs nothing; silence decides nothing. */
  failed(request: Hex, cause: unknown): Promise<void>
  /** Asks the router, now and then until it is known, what became of a call that nobody waits for. */
  follow(call: OpenCall): void
  /** Whether the router shows a receipt of the call, so that it has the answer, or had. */
  isCharged(request: Hex): Promise<boolean>
  /** Asks once about everything that an earlier process left open, then follows what is still undecided. */
  resolveAll(): Promise<void>
  stop(): void
}

/** Between two questions about a call, growing. Milliseconds. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
/** After its deadline and this, a request that the router never admitted never will be. Seconds. */
const EXPIRY_GRACE = 60

export function outcomeOf(transport: Transport, session: Session): Outcome {
  const { purse, hasher, reader, recover, network } = session
  const router: Address = network.router.address
  const timers = new Set<ReturnType<typeof setTimeout>>()
  /** Calls that are followed, each with what was seen of it last. */
  const followed = new Map<Hex, OpenCall>()
  let stopped = false

  async function accept(call: OpenCall, version: PodVersion, answer: Countersigned): Promise<void> {
    const { request, message, delivery } = call
    const { charged, count } = answer.ack
    // The running total of a call that was decided long ago, or by another key, says nothing new.
    const [mostBefore, mostCount] = purse.isPending(request)
      ? [purse.mostBefore(request), purse.mostCount(request)]
      : [charged, count]
    const { manifest } = version
    const expected = { request, message, manifest, delivery, router, mostBefore, mostCount }
    try {
      await checkAnswer(answer, expected, hasher, reader, recover)
    } catch (cause) {
      const { code } = asHeuristError(cause)
      // Nobody knows yet whether the answer holds, and the router has charged it.
      if (!isRejected(cause)) throw uncheckedOf(cause, answer)
      await purse.reject(request, code)
      if (code === 'receipt.end_mismatch' || code === 'receipt.length_over_read') await purse.retire(code)
      throw cause
    }
    await purse.book(request, answer)
  }

  async function failed(request: Hex, cause: unknown): Promise<void> {
    const { code, details } = asHeuristError(cause)
    const isUndecided = details.unchecked === true || code.startsWith('chain.') || code === 'unexpected'
    if (isUndecided || isUnknown(cause)) return
    await purse.release(request, code)
  }

  /** @returns whether the call is decided now. */
  async function resolve(call: OpenCall): Promise<boolean> {
    const { request, message } = call
    if (!purse.isPending(request)) return true
    const document = await documentOf(request)
    if (document === undefined) {
      if (Date.now() / 1000 < message.deadline + EXPIRY_GRACE) return false
      await purse.release(request, 'request.expired')
      return true
    }
    if (document.status === 'failed') {
      await purse.release(request, document.error?.code ?? 'job.failed')
      return true
    }
    const answer = answerOf(document)
    if (!answer) return false
    const version = await session.version(message.pod, message.manifest)
    await accept(await withBytes(call, answer), version, answer)
    return true
  }

  async function documentOf(request: Hex): Promise<ReceiptDocument | undefined> {
    try {
      return await transport.get(`/v1/receipts/${request}`, receiptDocumentSchema)
    } catch (cause) {
      if (asHeuristError(cause).code === 'receipt.unknown') return undefined
      throw cause
    }
  }

  /**
   * What left the router before it heard that we leave may be more than we read, and more than the allowance: it lies in
   * sockets on the way. The router must then be able to deliver every byte that it charges.
   */
  async function withBytes(call: OpenCall, { receipt }: Countersigned): Promise<OpenCall> {
    const { delivery, job } = call
    const inFlight = delivery.read === undefined || receipt.length <= delivery.read + LEFT_ALLOWANCE
    if (inFlight || !job) return call
    const bytes = await storedBytes(job)
    if (bytes === undefined || !shows(bytes, receipt, hasher, delivery.bytes)) return call
    return { ...call, delivery: { read: receipt.length, bytes, left: true, all: true } }
  }

  /** What the router delivers of an ended call; undefined if it says that it has it no more. */
  async function storedBytes(job: Job): Promise<Uint8Array | undefined> {
    try {
      return (await transport.run(job)).bytes
    } catch (cause) {
      const { kind, code } = asHeuristError(cause)
      if (kind === 'refused' || code === 'output.forgotten') return undefined
      throw cause
    }
  }

  function follow(call: OpenCall): void {
    const { request } = call
    const isFollowed = followed.has(request)
    followed.set(request, call)
    if (!isFollowed) askLater(request, FIRST_PAUSE_MS)
  }

  function askLater(request: Hex, pause: number): void {
    if (stopped) return
    const timer = setTimeout(async () => {
      timers.delete(timer)
      const call = followed.get(request)
      // A wrong answer is in the journal; nobody waits for its error here.
      const decided = !call || (await resolve(call).catch(() => !purse.isPending(request)))
      if (decided) followed.delete(request)
      else askLater(request, Math.min(2 * pause, LONGEST_PAUSE_MS))
    }, pause)
    timers.add(timer)
    // Whoever is done need not wait for the router: the next start asks again.
    if (typeof timer === 'object') timer.unref()
  }

  return {
    accept,
    failed,
    follow,
    async isCharged(request) {
      const document = await documentOf(request)
      return document !== undefined && answerOf(document) !== undefined
    },
    async resolveAll() {
      const calls = purse.pending.map(interrupted)
      await Promise.all(
        calls.map(async (call) => {
          const decided = await resolve(call).catch(() => !purse.isPending(call.request))
          if (!decided) follow(call)
        }),
      )
    },
    stop() {
      stopped = true
      followed.clear()
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

function uncheckedOf(cause: unknown, { receipt }: Countersigned): HeuristError {
  const { kind, code, message, fix, details } = asHeuristError(cause)
  const price = receipt.price.toString()
  return new HeuristError(kind, code, `the answer came and could not be checked: ${message}`, {
    ...(fix === undefined ? {} : { fix }),
    details: { ...details, price, unchecked: true },
    cause,
  })
}

/** A call of an earlier process: it left, and may not know after how many bytes. */
const interrupted = ({ request, message, left }: PendingCall): OpenCall => ({
  request,
  message,
  delivery: { left: true, ...(left === undefined ? {} : { read: left }) },
})

/** Whether these are the bytes that were signed, and go on from what was read. */
function shows(
  bytes: Uint8Array,
  receipt: Receipt,
  hasher: Hasher,
  read: Uint8Array = new Uint8Array(),
): boolean {
  if (BigInt(bytes.length) !== receipt.length || hasher.bytes(bytes) !== receipt.output) return false
  return read.length <= bytes.length && read.every((byte, at) => byte === bytes[at])
}

function answerOf({
  receipt,
  signature,
  provider,
  ack,
  ackSignature,
}: ReceiptDocument): Countersigned | undefined {
  if (!receipt || !signature || !provider || !ack || !ackSignature) return undefined
  return { receipt, signature, provider, ack, ackSignature }
}
