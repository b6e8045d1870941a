import type { Hex } from 'viem'
import { asHeuristError, bug, type HeuristError, later, refused } from '../sdk/errors.ts'
import type { Signer } from '../sdk/native.ts'
import type { Log } from '../sdk/program.ts'
import { runningHash } from '../sdk/protocol/bytes.ts'
import { FRAME, type FrameType, jsonPayload } from '../sdk/protocol/frames.ts'
import type { Manifest } from '../sdk/protocol/manifest.ts'
import { END, type Hasher } from '../sdk/protocol/messages.ts'
import type { SignedReceipt } from '../sdk/protocol/wire.ts'
import { countReceipt } from './count.ts'
import { type Order, parseOrder, podRefusalOf, refusalOf } from './order.ts'
import { type Overtime, startOvertime } from './overtime.ts'
import type { Delivery, ReceiptStore } from './receipts.ts'
import { MOST_TIMER_MS, type Slot, type SlotResult } from './slots.ts'
import { creditWindow } from './window.ts'

/** Where a job's answer goes: the link it came by. */
export interface Outlet {
  readonly windowBytes: number
  /** @returns false if the link is lost and nothing was sent. */
  send(job: number, type: FrameType, payload: Uint8Array): boolean
}

export interface Jobs {
  take(job: number, payload: Uint8Array, outlet: Outlet): void
  /** The client left: the prefix that went out is signed for. */
  cancel(job: number): void
  credit(job: number, bytes: number): void
  /** The link is lost: what is not complete can no longer be delivered, so it stops and owes nothing. */
  drop(): void
  /** Refuses new jobs, lets the running ones end for `graceMs`, then stops them. Resolves when all have ended. */
  drain(graceMs: number): Promise<void>
  readonly running: number
}

export interface JobsDeps {
  node: number
  hasher: Hasher
  signer: Signer
  slots: readonly Slot[]
  /** The pod's number on chain; undefined while the router does not list it. */
  podOf(manifest: Hex): number | undefined
  receipts: ReceiptStore
  /** Why no new call may be taken now, if so. What was signed for is told again all the same. */
  refusal(): HeuristError | undefined
  /** Tells the router of a receipt whose own link is gone, by whatever link there is now. */
  announce(signed: SignedReceipt): void
  log: Log
  /** Unix milliseconds. */
  now: () => number
}

/** One job on its way through: what may happen to it from outside. */
interface Passage {
  job: number
  hash: Hex | undefined
  abort: AbortController
  /** The client left. */
  cancel: () => void
  credit: (bytes: number) => void
  ended: Promise<void>
}

const LEFT = later('job.cancelled', 'The client left before the first byte.')
const LOST = later('link.lost', 'The link to the router was lost.')
const STOPPING = later('worker.stopping', 'The worker is stopping.', {
  fix: 'Send the job again: another node serves it.',
})

export function createJobs(deps: JobsDeps): Jobs {
  const { node, hasher, log, receipts } = deps
  /** Of this link, by the router's number; `passages` also holds what still winds down from a lost one. */
  const byNumber = new Map<number, Passage>()
  const passages = new Set<Passage>()
  let stopping = false

  function take(job: number, payload: Uint8Array, outlet: Outlet): void {
    const abort = new AbortController()
    const passage: Passage = {
      job,
      hash: undefined,
      abort,
      cancel: () => abort.abort(LEFT),
      credit: () => {},
      ended: Promise.resolve(),
    }
    byNumber.set(job, passage)
    passages.add(passage)
    passage.ended = answer(passage, payload, outlet)
      .catch((cause: unknown) => {
        const error = asHeuristError(cause)
        const level = error.kind === 'bug' ? 'error' : 'info'
        log[level]({ event: 'job.failed', job, request: passage.hash, error: error.toJSON() })
        outlet.send(job, FRAME.fail, jsonPayload(error.toJSON()))
      })
      .finally(() => {
        passages.delete(passage)
        if (byNumber.get(job) === passage) byNumber.delete(job)
      })
  }

  async function answer(passage: Passage, payload: Uint8Array, outlet: Outlet): Promise<void> {
    if (stopping) throw STOPPING
    const order = parseOrder(payload, hasher)
    const twin = [...passages].some((other) => other.hash === order.hash)
    if (twin) throw later('job.duplicate', 'This node is at this very request already.')
    passage.hash = order.hash
    const refusal = refusalOf(order, node, deps.now())
    if (refusal) throw refusal
    const deadline = setTimeout(
      () => passage.abort.abort(later('job.timeout', 'The job was not done by its deadline.')),
      Math.min(order.deadlineMs - deps.now(), MOST_TIMER_MS),
    )
    try {
      const stored = receipts.find(order.hash)
      if (stored) await repeat(passage, stored, outlet)
      else {
        const uncovered = deps.refusal()
        if (uncovered) throw uncovered
        await serve(passage, order, outlet)
      }
    } finally {
      clearTimeout(deadline)
    }
  }

  /**
   * A finished request asked again: the identical bytes and receipt, no second signature. A client that leaves changes
   * nothing: there is no receipt for a part of it, and without one the part that was read would be free.
   */
  async function repeat(passage: Passage, { signed, output }: Delivery, outlet: Outlet): Promise<void> {
    if (signed.receipt.end !== END.complete) {
      throw later('receipt.partial', 'This node has signed for a part of this answer and signs only once.', {
        fix: 'Send it to another node, or send a new request.',
      })
    }
    const { abort } = passage
    passage.cancel = () => {}
    const window = creditWindow(outlet.windowBytes, abort.signal)
    passage.credit = window.add
    const whole = await window.pass(output, (piece) => outlet.send(passage.job, FRAME.chunk, piece))
    if (!whole) throw abort.signal.reason
    outlet.send(passage.job, FRAME.receipt, jsonPayload(signed))
    log.info({ event: 'job.repeated', job: passage.job, request: passage.hash })
  }

  function claim(order: Order): Slot {
    const { request } = order
    const serving = deps.slots.filter((slot) => slot.pod.hash === request.manifest)
    if (serving.length === 0 || deps.podOf(request.manifest) !== request.pod) {
      throw refused('pod.unserved', 'This worker has no slot for that version of that pod.', {
        details: { pod: request.pod, manifest: request.manifest },
      })
    }
    const free = serving.filter((slot) => slot.free)
    const slot = free.find((one) => one.provider !== undefined) ?? free[0]
    if (!slot) throw later('slot.busy', 'Every slot of this pod is busy.')
    slot.claim()
    return slot
  }

  async function serve(passage: Passage, order: Order, outlet: Outlet): Promise<void> {
    const slot = claim(order)
    const startedMs = deps.now()
    const sent = outgoing(passage, outlet)
    let run: SlotResult
    try {
      const refusal = podRefusalOf(order.request, order.input, slot.pod.manifest)
      if (refusal) throw refusal
      run = await compute(passage, order, slot, outlet.windowBytes, sent.add)
    } finally {
      slot.release()
    }
    const signed = await sign(order, slot.pod.manifest, run, sent)
    if (!outlet.send(passage.job, FRAME.receipt, jsonPayload(signed))) deps.announce(signed)
    log.info({
      event: 'job.done',
      job: passage.job,
      request: order.hash,
      slot: slot.id,
      unitsIn: signed.receipt.unitsIn.toString(),
      unitsOut: signed.receipt.unitsOut.toString(),
      price: signed.receipt.price.toString(),
      end: signed.receipt.end,
      ms: deps.now() - startedMs,
    })
  }

  /** Runs the engine and decides whether what came of it may be signed for. */
  async function compute(
    passage: Passage,
    order: Order,
    slot: Slot,
    windowBytes: number,
    onChunk: (bytes: Uint8Array) => number,
  ): Promise<SlotResult> {
    const { abort } = passage
    const { limits } = slot.pod.manifest
    let sentBytes = 0
    let overtime: Overtime | undefined
    let timer: NodeJS.Timeout | undefined
    passage.credit = (bytes) => {
      overtime?.credit(bytes)
      slot.credit(bytes)
    }
    const watch = (clock: Overtime) => {
      const leftMs = clock.leftMs()
      if (leftMs > 0) timer = setTimeout(() => watch(clock), Math.min(leftMs, MOST_TIMER_MS))
      else abort.abort(later('job.timeout', `The pod allows ${limits.seconds} seconds for a job.`))
    }
    const onStart = () => {
      overtime = startOvertime(limits.seconds * 1000, windowBytes, deps.now)
      watch(overtime)
    }
    const { signal } = abort
    let result: SlotResult
    try {
      result = await slot.run({
        input: order.input,
        windowBytes,
        onStart,
        signal,
        onChunk(bytes) {
          sentBytes = onChunk(bytes)
          overtime?.sent(sentBytes)
          if (sentBytes <= limits.outputBytes) return
          abort.abort(bug('output.too_large', 'The engine gave more bytes than the manifest allows.'))
        },
      })
    } catch (cause) {
      throw signal.aborted ? signal.reason : cause
    } finally {
      clearTimeout(timer)
      // The slot is the next job's from here on: a late word about this one is not for it.
      passage.credit = () => {}
    }
    if (result.work.complete && sentBytes <= limits.outputBytes) return result
    if (!signal.aborted) throw bug('engine.incomplete', 'The engine stopped without being asked.')
    if (signal.reason === LEFT && sentBytes > 0) return result
    throw signal.reason
  }

  function outgoing(passage: Passage, outlet: Outlet) {
    const hash = runningHash()
    const parts: Uint8Array[] = []
    return {
      add(bytes: Uint8Array): number {
        hash.update(bytes)
        parts.push(bytes)
        outlet.send(passage.job, FRAME.chunk, bytes)
        return hash.length
      },
      delivered: () => ({ length: hash.length, output: hash.digest() }),
      bytes: () => new Uint8Array(Buffer.concat(parts)),
    }
  }

  async function sign(
    order: Order,
    manifest: Manifest,
    { work, provider }: SlotResult,
    sent: ReturnType<typeof outgoing>,
  ): Promise<SignedReceipt> {
    const subject = { request: order.request, hash: order.hash, node, manifest }
    const receipt = countReceipt(subject, work, sent.delivered(), Math.floor(deps.now() / 1000))
    const signature = deps.signer.sign(hasher.digest('Receipt', receipt))
    const stored = await receipts.put({ signed: { receipt, signature, provider }, output: sent.bytes() })
    return stored.signed
  }

  function stop(error: HeuristError): void {
    for (const passage of passages) passage.abort.abort(error)
  }

  return {
    take,
    cancel: (job) => byNumber.get(job)?.cancel(),
    credit: (job, bytes) => byNumber.get(job)?.credit(bytes),
    drop() {
      stop(LOST)
      byNumber.clear()
    },
    async drain(graceMs) {
      stopping = true
      const timer = setTimeout(() => stop(STOPPING), graceMs)
      await Promise.all([...passages].map((passage) => passage.ended))
      clearTimeout(timer)
    },
    get running() {
      return passages.size
    },
  }
}
