import type { Hex } from 'viem'
import { mediaTypeOf } from '../../sdk/decode.ts'
import { type HeuristError, later, refused } from '../../sdk/errors.ts'
import { recoverSigner } from '../../sdk/native.ts'
import { writeUint } from '../../sdk/protocol/bytes.ts'
import { encodeJob, FRAME, type Frame, jsonPayload } from '../../sdk/protocol/frames.ts'
import type { Hello, SlotState } from '../../sdk/protocol/link.ts'
import { END, type Hasher, type Request } from '../../sdk/protocol/messages.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { parseWire, type SignedReceipt, signedReceiptSchema } from '../../sdk/protocol/wire.ts'
import type { World } from '../world.ts'
import { type Books, faultOf, receiptFault } from './books.ts'
import type { Limits } from './config.ts'
import { abandoned, nodeFailed, noNode, noSlotInTime, stopping } from './failures.ts'
import type { Feed } from './feed.ts'
import { type Attempt, type End, isDurable, type Listener, type LiveJob } from './job.ts'
import type { CommitOptions, Op } from './ledger/ledger.ts'
import { type Link, type Links, workerFailure } from './links.ts'
import type { Metrics } from './metrics.ts'
import type { Nodes } from './nodes.ts'
import { createPlacement, keyOf, type Placed } from './placement.ts'
import type { PodVersion } from './pods.ts'
import type { Registry } from './registry.ts'

/** Live calls: waiting for a slot, running, ending. Nothing here is durable that the ledger does not hold. */
export interface Dispatch {
  live(request: Hex): LiveJob | undefined
  readonly size: number
  /** Bytes of input and output of all live calls. */
  readonly bytes: number
  /** Why no node could serve such a call, now or when a slot is free; undefined if some could. */
  refusalOf(version: PodVersion, body: Request, preferred: number[]): HeuristError | undefined
  /** Takes an admitted call, whose admission has been handed to the ledger. */
  submit(job: LiveJob): void
  /** The ledger does not take the admission: the call ends before anything of it has gone out. */
  refuse(job: LiveJob, error: HeuristError): void
  /** The client is gone. */
  leave(job: LiveJob, listener: Listener): void
  /** Output has left, or may leave now. */
  flow(job: LiveJob): void
  pending(version: PodVersion): number
  /** Milliseconds until a new call of this version would see its first byte, by what is known now. */
  expectedMs(version: PodVersion): number
  up(link: Link, hello: Hello): void
  down(link: Link): void
  slots(link: Link, slots: SlotState[]): void
  frame(link: Link, frame: Frame): void
  /** No new work; ends when the running calls have ended or `ms` are over. */
  drain(ms: number): Promise<void>
}

export interface DispatchDeps {
  world: Pick<World, 'clock' | 'timers' | 'random' | 'log' | 'ledger'>
  limits: Limits
  registry: Registry
  nodes: Nodes
  books: Books
  hasher: Hasher
  feed: Feed
  metrics: Metrics
  links(): Links
  /** Of requests that a restart left open and whose client may come back. */
  mayComeBack(request: Hex): boolean
  /** Whether the call was charged, on that node's receipt. */
  chargedFor(request: Hex, node: number): Promise<boolean>
  /** The ledger cannot write: nothing may go on. */
  fatal(cause: unknown): void
}

/** Another node may try a call that failed through a node's fault this often, and through nobody's fault this often. */
const MOST_RETRIES = 1
const MOST_MISHAPS = 3
/** A worker that was told to stop answers within this, or its attempt is over. */
const CANCEL_MS = 10_000
/** Loading a pod may take this much longer than predicted. */
const LOAD_SLACK = 4
const LEAST_LOAD_MS = 30_000
/** A worker that is still winding down an earlier attempt is asked again after this. */
const AGAIN_MS = 200

/** Failures of a worker that say nothing against its node. */
const MISHAPS = new Set(['slot.busy', 'worker.stopping', 'job.duplicate', 'receipt.partial', 'link.lost'])
/** What a worker may refuse in the client's name. */
const isRefusal = (code: string): boolean => code.startsWith('input.') || code === 'price.too_low'

export function createDispatch(deps: DispatchDeps): Dispatch {
  const { world, limits, nodes, books, hasher, feed, metrics } = deps
  const { clock, timers, log, ledger } = world
  const jobs = new Map<Hex, LiveJob>()
  const running = new Map<Link, Map<number, LiveJob>>()
  let liveBytes = 0
  let draining = false
  let drained: (() => void) | undefined

  const commit = (ops: Op[], options: CommitOptions = {}): Promise<void> =>
    ledger.commit(ops, options).catch((cause: unknown) => {
      deps.fatal(cause)
      throw cause
    })
  /** Nobody waits for it; if it fails, the router stops. */
  const record = (ops: Op[]): void => void commit(ops, { soon: true }).catch(() => {})
  /** Somebody waits for what was recorded. */
  const hasten = (): void => void commit([]).catch(() => {})

  const publish = (job: LiveJob, status: string, fields: Record<string, unknown> = {}) =>
    feed.publish({
      type: 'job',
      at: clock.nowMs(),
      request: job.request,
      payer: job.payer,
      pod: job.body.pod,
      name: job.version.manifest.name,
      status,
      ...fields,
    })

  const placement = createPlacement({
    world,
    leaseMs: limits.leaseMs,
    loadMs: limits.loadMs,
    nodes,
    linkOf: (node) => deps.links().of(node),
    place: begin,
    giveUp: (job, verdicts) => fail(job, noNode(job, verdicts)),
  })

  // ------------------------------------------------------------------------------------------------ waiting

  function submit(job: LiveJob): void {
    jobs.set(job.request, job)
    liveBytes += job.input.length
    publish(job, 'admitted')
    wait(job)
  }

  function wait(job: LiveJob): void {
    job.state = 'queued'
    const endMs = Math.min(job.deadlineMs, job.admittedMs + limits.queueMs)
    job.timer()
    job.timer = timers.after(Math.max(0, endMs - clock.nowMs()), () => fail(job, noSlotInTime(job)))
    placement.wait(job)
  }

  // ------------------------------------------------------------------------------------------------ running

  function begin({ job, link, expectedMs, decision }: Placed): void {
    const { manifest } = job.version
    const nowMs = clock.nowMs()
    job.attempts += 1
    job.state = 'running'
    job.timer()
    const warm = nodes.begin(link.node, keyOf(job.version))
    const loadMs = warm ? 0 : Math.max(LEAST_LOAD_MS, LOAD_SLACK * limits.loadMs)
    const patienceMs = manifest.limits.seconds * 1000 + loadMs
    const attempt: Attempt = {
      number: job.attempts,
      link,
      job: link.nextJob(),
      startedMs: nowMs,
      warm,
      received: 0,
      granted: limits.windowBytes,
      cancelled: false,
      again: job.asked.has(link.node),
      heldMs: 0,
      heldSinceMs: undefined,
      timer: timers.after(patienceMs, () => tooSlow(job, attempt)),
    }
    job.attempt = attempt
    job.asked.add(link.node)
    jobsOn(link).set(attempt.job, job)
    const row = { job: job.number, attempt: attempt.number, node: link.node, at: nowMs, decision }
    commit([{ op: 'job.dispatched', attempt: row }], { soon: true }).then(
      () => {
        job.durableAttempt = attempt.number
        job.audience.more()
      },
      () => {},
    )
    // Our patience ends first: a node that waits for its client is told to sign for what went out.
    const header = { request: job.body, attempt: attempt.number, deadlineMs: nowMs + patienceMs + CANCEL_MS }
    link.send(attempt.job, FRAME.job, encodeJob(header, job.input))
    job.audience.accepted({ request: job.request, node: link.node, expectedFirstByteMs: expectedMs })
    publish(job, 'dispatched', { node: link.node, attempt: attempt.number })
  }

  const jobsOn = (link: Link): Map<number, LiveJob> => {
    let map = running.get(link)
    if (!map) {
      map = new Map()
      running.set(link, map)
    }
    return map
  }

  /** The attempt is over, whatever came of it. */
  function endAttempt(job: LiveJob, outcome: 'ok' | 'fault' | 'neutral', words: string): Op[] {
    const { attempt } = job
    if (!attempt) return []
    job.attempt = undefined
    attempt.timer()
    running.get(attempt.link)?.delete(attempt.job)
    const ejected = nodes.end(
      attempt.link.node,
      keyOf(job.version),
      outcome,
      clock.nowMs() - attempt.startedMs,
    )
    if (ejected) {
      log.warn({ event: 'node.ejected', node: attempt.link.node, reason: words })
      feed.publish({ type: 'node', at: clock.nowMs(), node: attempt.link.node, state: 'ejected' })
      const returnMs = nodes.nextReturnMs(keyOf(job.version))
      if (returnMs !== undefined)
        timers.after(returnMs - clock.nowMs() + 1, () => placement.look(job.version))
    }
    placement.look(job.version)
    return [
      { op: 'attempt.ended', job: job.number, attempt: attempt.number, outcome: words, at: clock.nowMs() },
    ]
  }

  /** Most of a window is sent and not taken: the node can only wait for the client. */
  function holdOf(job: LiveJob, attempt: Attempt): void {
    const held =
      job.audience.streams > 0 && attempt.received - job.audience.forwarded >= limits.windowBytes / 2
    if (held) attempt.heldSinceMs ??= clock.nowMs()
    else if (attempt.heldSinceMs !== undefined) {
      attempt.heldMs += clock.nowMs() - attempt.heldSinceMs
      attempt.heldSinceMs = undefined
    }
  }

  /** A client that took most of the time, or holds the answer up now, has left: it owes what went out. */
  function tooSlow(job: LiveJob, attempt: Attempt): void {
    holdOf(job, attempt)
    const tookMost = 2 * attempt.heldMs >= clock.nowMs() - attempt.startedMs
    if (attempt.heldSinceMs !== undefined || tookMost) {
      log.info({ event: 'client.slow', request: job.request, node: attempt.link.node })
      attempt.timer = timers.after(CANCEL_MS, () => lateFor(job, attempt))
      return job.audience.cut()
    }
    lateFor(job, attempt)
  }

  function lateFor(job: LiveJob, attempt: Attempt): void {
    attempt.link.send(attempt.job, FRAME.cancel, EMPTY)
    failedBy(
      job,
      later('job.timeout', `Node ${attempt.link.node} did not answer in time.`, {
        fix: 'Send the request again, or allow it more time.',
        details: { node: attempt.link.node, seconds: job.version.manifest.limits.seconds },
      }),
      wasHeld(attempt) ? 'neutral' : 'fault',
    )
  }

  /** A node failed the call: another one tries if nobody has seen a byte, else it ends here. */
  function failedBy(job: LiveJob, error: HeuristError, blame: 'fault' | 'neutral'): void {
    const node = job.attempt?.link.node ?? job.resumeNode
    record(endAttempt(job, blame, error.code))
    if (job.audience.size === 0) return fail(job, abandoned())
    if (blame === 'neutral') job.mishaps += 1
    const faults = job.excluded.length - job.mishaps + (blame === 'fault' ? 1 : 0)
    const mayRetry = job.body.node === 0 && faults <= MOST_RETRIES && job.mishaps <= MOST_MISHAPS
    if (!mayRetry || job.audience.seen > 0 || clock.nowMs() >= job.deadlineMs) return fail(job, error)
    job.excluded.push(node)
    liveBytes -= job.output.length
    job.output.reset()
    if (!placement.hopeful(job)) return fail(job, error)
    metrics.retried(error.code)
    publish(job, 'retried', { node, reason: error.code })
    wait(job)
  }

  function chunk(job: LiveJob, attempt: Attempt, bytes: Uint8Array): void {
    const upTo = attempt.received + bytes.length
    if (upTo > attempt.granted) return misbehaved(job, 'sent more than its credit')
    if (upTo > job.version.manifest.limits.outputBytes)
      return misbehaved(job, 'sent more than the pod allows')
    const before = job.output.length
    const isFirst = attempt.received === 0
    if (!job.output.write(attempt.received, bytes))
      return misbehaved(job, 'repeated the answer with other bytes')
    liveBytes += job.output.length - before
    attempt.received = upTo
    if (job.audience.streams > 0) {
      if (isFirst && !isDurable(job)) hasten()
      job.audience.more()
    }
    if (attempt.cancelled && attempt.again) windDown(job, attempt)
    flow(job)
  }

  function misbehaved(job: LiveJob, what: string): void {
    const { attempt } = job
    if (!attempt) return
    attempt.link.send(attempt.job, FRAME.cancel, EMPTY)
    failedBy(job, nodeFailed(attempt.link.node, what), 'fault')
  }

  /** Lets the worker send on as the client reads on. */
  function flow(job: LiveJob): void {
    const { attempt, audience } = job
    if (!attempt || (attempt.cancelled && !attempt.again)) return
    holdOf(job, attempt)
    const read = audience.streams > 0 ? audience.forwarded : attempt.received
    const credit = read + limits.windowBytes - attempt.granted
    if (credit < limits.windowBytes / 4) return
    attempt.granted += credit
    const payload = new Uint8Array(4)
    writeUint(payload, 0, 4, credit)
    attempt.link.send(attempt.job, FRAME.credit, payload)
  }

  // ------------------------------------------------------------------------------------------------- ending

  function receipted(job: LiveJob, attempt: Attempt, payload: Uint8Array): void {
    let signed: SignedReceipt
    try {
      signed = parseReceipt(payload)
    } catch {
      return misbehaved(job, 'sent a malformed receipt')
    }
    if (attempt.received !== job.output.length)
      return misbehaved(job, 'signed before it had repeated everything')
    deliver(job, attempt.link, signed, attempt.cancelled)
  }

  /** A receipt for the output that is here: verified, charged, written down, told. */
  function deliver(job: LiveJob, link: Link, signed: SignedReceipt, cancelled: boolean): void {
    const { receipt } = signed
    const { manifest } = job.version
    const fault = faultOf(signed, recoverSigner(hasher.digest('Receipt', receipt), signed.signature), {
      request: job.request,
      node: link.node,
      signer: link.signer,
      limits: manifest.limits,
      priceOf: (unitsIn, unitsOut) => priceOf(manifest.pricing, unitsIn, unitsOut),
      maxPrice: job.body.maxPrice,
      received: { length: job.output.length, output: job.output.digest() },
      cancelled,
      nowMs: clock.nowMs(),
    })
    if (fault) {
      log.warn({ event: 'receipt.refused', node: link.node, request: job.request, reason: fault })
      received(link.node, receipt.request)
      return failedBy(job, receiptFault(fault, link.node), 'fault')
    }
    // Nothing was delivered: nothing is owed for a part of it, although somebody may have come back since.
    if (job.audience.seen === 0 && (job.audience.size === 0 || receipt.end === END.clientLeft)) {
      received(link.node, job.request)
      return failedBy(job, abandoned(), 'neutral')
    }
    charge(job, link, signed)
  }

  function charge(job: LiveJob, link: Link, signed: SignedReceipt): void {
    const at = clock.nowMs()
    const ops = endAttempt(job, 'ok', 'ok')
    job.timer()
    job.state = 'closing'
    placement.served(job, signed.receipt.price)
    books.release(job.account, job.body.maxPrice)
    const charged = books.charge({ account: job.account, job: job.number, request: job.body, signed, at })
    const output = job.output.slice(0).slice()
    const { countersigned } = charged.receipt
    commit([{ op: 'job.receipted', ...charged, output }, ...ops]).then(
      () => {
        received(link.node, job.request, true)
        metrics.ended('ok', clock.nowMs() - job.admittedMs)
        metrics.charged(signed.receipt.price)
        feed.publish({
          type: 'receipt',
          at,
          request: job.request,
          payer: job.payer,
          pod: job.body.pod,
          name: job.version.manifest.name,
          node: link.node,
          frontend: job.body.frontend,
          price: signed.receipt.price,
          end: signed.receipt.end,
          provider: signed.provider,
          ms: at - job.admittedMs,
        })
        const mediaType = mediaTypeOf(job.version.manifest.kind)
        close(job, { answer: { request: job.request, mediaType, output, countersigned } })
      },
      () => {},
    )
  }

  function fail(job: LiveJob, error: HeuristError): void {
    if (job.state === 'closing' || job.state === 'ended') return
    const ops = endAttempt(job, 'neutral', error.code)
    placement.remove(job)
    job.timer()
    job.state = 'closing'
    books.release(job.account, job.body.maxPrice)
    metrics.ended(error.code, clock.nowMs() - job.admittedMs)
    publish(job, 'failed', { code: error.code })
    log.info({ event: 'job.failed', request: job.request, code: error.code, attempts: job.attempts })
    commit([{ op: 'job.failed', job: job.number, error: error.toJSON(), at: clock.nowMs() }, ...ops]).then(
      () => close(job, { error }),
      () => {},
    )
  }

  function close(job: LiveJob, end: End): void {
    books.leave(job.account)
    job.state = 'ended'
    liveBytes -= job.input.length + job.output.length
    jobs.delete(job.request)
    job.audience.end(end)
    if (jobs.size === 0) drained?.()
  }

  /** Tells the node that its receipt may be forgotten. */
  const received = (node: number, request: Hex, charged = false) =>
    deps.links().of(node)?.mention(0, FRAME.received, jsonPayload({ request, charged }))

  // ---------------------------------------------------------------------------------------------- accidents

  function leave(job: LiveJob, listener: Listener): void {
    job.audience.leave(listener)
    if (job.audience.size > 0) return flow(job)
    if (job.state === 'queued' || job.state === 'resuming') return fail(job, abandoned())
    const { attempt } = job
    if (!attempt || attempt.cancelled) return
    attempt.cancelled = true
    attempt.link.send(attempt.job, FRAME.cancel, EMPTY)
    publish(job, 'left')
    windDown(job, attempt)
    // What a node repeats is read to its end without the client: it has one receipt, and that is for the whole.
    flow(job)
  }

  /** A worker that was told to stop must have ended within `CANCEL_MS`; what repeats must go on within it. */
  function windDown(job: LiveJob, attempt: Attempt): void {
    job.timer()
    job.timer = timers.after(CANCEL_MS, () => {
      if (job.attempt === attempt)
        failedBy(job, nodeFailed(attempt.link.node, 'ignored a cancellation'), 'fault')
    })
  }

  function failFrame(job: LiveJob, attempt: Attempt, payload: Uint8Array): void {
    const said = workerFailure(payload)
    const { node } = attempt.link
    log.info({ event: 'attempt.failed', request: job.request, node, code: said.code, message: said.message })
    if (attempt.cancelled) return failedBy(job, abandoned(), 'neutral')
    if (said.kind === 'refused' && isRefusal(said.code)) {
      const { code, message, ...facts } = said
      record(endAttempt(job, 'neutral', code))
      return fail(job, refused(code, message, facts))
    }
    if (said.code === 'job.duplicate' && job.attempts <= 10) return againSoon(job, attempt)
    const error =
      said.code === 'job.timeout'
        ? later('job.timeout', said.message, { details: { node } })
        : nodeFailed(node, `${said.code}: ${said.message}`)
    // A node that had to wait for the client is not late.
    const blameless = MISHAPS.has(said.code) || (said.code === 'job.timeout' && wasHeld(attempt))
    failedBy(job, error, blameless ? 'neutral' : 'fault')
  }

  /** The worker is still stopping an earlier attempt of this very call. */
  function againSoon(job: LiveJob, { link }: Attempt): void {
    record(endAttempt(job, 'neutral', 'job.duplicate'))
    pauseFor(job, link.node)
    timers.after(AGAIN_MS, () => {
      const again = deps.links().of(link.node)
      if (job.state === 'resuming' && again) resume(job, again)
    })
  }

  /** The client has seen a part: only the same node can go on, if it comes back soon. */
  function pauseFor(job: LiveJob, node: number): void {
    job.state = 'resuming'
    job.resumeNode = node
    job.timer()
    job.timer = timers.after(limits.resumeMs, () =>
      fail(job, nodeFailed(node, 'left in the middle of the answer')),
    )
  }

  function resume(job: LiveJob, link: Link): void {
    begin({ job, link, expectedMs: 0, decision: JSON.stringify({ resumed: link.node }) })
  }

  function up(link: Link, hello: Hello): void {
    nodes.up(link.node, hello)
    feed.publish({ type: 'node', at: clock.nowMs(), node: link.node, state: 'connected' })
    for (const job of jobs.values()) {
      if (job.state === 'resuming' && job.resumeNode === link.node) resume(job, link)
    }
    placement.doubt()
  }

  function down(link: Link): void {
    nodes.down(link.node)
    feed.publish({ type: 'node', at: clock.nowMs(), node: link.node, state: 'gone' })
    const cutOff = [...(running.get(link)?.values() ?? [])]
    running.delete(link)
    for (const job of cutOff) lost(job, link.node)
    placement.doubt()
  }

  function lost(job: LiveJob, node: number): void {
    if (draining) return fail(job, stopping())
    if (job.attempt?.cancelled || job.audience.seen === 0) {
      return failedBy(job, nodeFailed(node, 'lost its link'), 'fault')
    }
    record(endAttempt(job, 'fault', 'link.lost'))
    pauseFor(job, node)
  }

  /** A receipt outside a running attempt: repeated after a reconnection, or too late. */
  function repeated(link: Link, payload: Uint8Array): void {
    let signed: SignedReceipt
    try {
      signed = parseReceipt(payload)
    } catch {
      return log.warn({ event: 'receipt.malformed', node: link.node })
    }
    const { receipt } = signed
    const job = jobs.get(receipt.request)
    if (job?.state === 'resuming' && job.resumeNode === link.node && receipt.end === END.complete) {
      const whole = receipt.length === BigInt(job.output.length) && receipt.output === job.output.digest()
      if (whole) deliver(job, link, signed, false)
      return
    }
    // It is asked for once more when the client comes back: the worker keeps it until then.
    if (job && job.state !== 'ended' && job.oldNode === link.node) return
    if (!job && deps.mayComeBack(receipt.request)) return
    deps.chargedFor(receipt.request, link.node).then(
      (charged) => received(link.node, receipt.request, charged),
      (cause: unknown) => deps.fatal(cause),
    )
  }

  return {
    live: (request) => jobs.get(request),
    get size() {
      return jobs.size
    },
    get bytes() {
      return liveBytes
    },
    refusalOf: placement.refusalOf,
    submit,
    refuse: fail,
    leave,
    flow,
    pending: placement.pending,
    expectedMs: placement.expectedMs,
    up,
    down,
    slots(link, slots) {
      placement.doubt(nodes.slots(link.node, slots))
      for (const { pod, manifest } of slots) placement.look({ pod, hash: manifest })
    },
    frame(link, frame) {
      const job = running.get(link)?.get(frame.job)
      const attempt = job?.attempt
      if (job && attempt) {
        if (frame.type === FRAME.chunk) return chunk(job, attempt, frame.payload)
        if (frame.type === FRAME.receipt) return receipted(job, attempt, frame.payload)
        if (frame.type === FRAME.fail) return failFrame(job, attempt, frame.payload)
      }
      if (frame.type === FRAME.receipt) return repeated(link, frame.payload)
      // Chunks and failures of attempts that we gave up are on their way for a while.
      if (frame.type === FRAME.chunk || frame.type === FRAME.fail) return
      link.close(4000, 'a frame that a worker does not send')
    },
    async drain(ms) {
      draining = true
      for (const job of jobs.values()) if (job.state === 'queued') fail(job, stopping())
      if (jobs.size > 0) {
        await new Promise<void>((resolve) => {
          drained = resolve
          timers.after(ms, resolve)
        })
      }
      const rest = [...jobs.values()]
      for (const job of rest) fail(job, stopping())
      await ledger.commit([])
    },
  }
}

const EMPTY = new Uint8Array(0)

const wasHeld = ({ heldMs, heldSinceMs }: Attempt): boolean => heldMs > 0 || heldSinceMs !== undefined

const parseReceipt = (payload: Uint8Array): SignedReceipt =>
  parseWire(signedReceiptSchema, JSON.parse(new TextDecoder().decode(payload)), 'receipt.malformed')
