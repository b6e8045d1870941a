import type { Hex } from 'viem'
import type { HeuristError } from '../../sdk/errors.ts'
import { runningHash } from '../../sdk/protocol/bytes.ts'
import type { Request } from '../../sdk/protocol/messages.ts'
import type { Countersigned } from '../../sdk/protocol/wire.ts'
import type { Cancel, Timers } from '../world.ts'
import type { Account } from './books.ts'
import type { Link } from './links.ts'
import type { PodVersion } from './pods.ts'
import type { Waiting } from './queue.ts'

/** What a call came to: a delivered answer. */
export interface Answer {
  request: Hex
  mediaType: string
  output: Uint8Array
  countersigned: Countersigned
}

/** Who runs a call, and when its first byte may be expected. */
export interface Accepted {
  request: Hex
  node: number
  expectedFirstByteMs: number
}

/** A client that waits for a call. Several may wait for the same one. */
export interface Listener {
  /** Gets output as it is made; otherwise only the end. */
  readonly streaming: boolean
  /** A node has been chosen. Told again if another one must take over. */
  accepted(chosen: Accepted): void
  /**
   * Output bytes in order, never more before `flushed` is called.
   *
   * @param flushed  Call once the bytes have left this process.
   */
  chunk(bytes: Uint8Array, flushed: () => void): void
  finished(answer: Answer): void
  failed(error: HeuristError): void
  /** Ends the connection without a word: the client does not take what it asked for. */
  cut?(): void
}

/** One try of one node. */
export interface Attempt {
  number: number
  link: Link
  /** The job's number on the link. */
  job: number
  startedMs: number
  warm: boolean
  /** Output bytes that arrived in this attempt. */
  received: number
  /** Output bytes that the node may have sent in this attempt. */
  granted: number
  /** The node was told that the client left. */
  cancelled: boolean
  /** The node had the call before: it repeats what it signed for to the end, whoever leaves. */
  again: boolean
  /** How long the client kept the node waiting, before `heldSinceMs`. */
  heldMs: number
  heldSinceMs: number | undefined
  timer: Cancel
}

export type End = { answer: Answer } | { error: HeuristError }

/** A call from admission to its end. */
export interface LiveJob extends Waiting {
  readonly number: number
  readonly request: Hex
  readonly body: Request
  readonly version: PodVersion
  readonly input: Uint8Array
  readonly account: Account
  /** The frontend's preferred nodes, best first. */
  readonly preferred: number[]
  readonly admittedMs: number
  /** Admission and voucher are on disk. */
  durable: boolean
  /** The newest attempt that is on disk: whoever has seen a byte of it is answered by its node after a crash as well. */
  durableAttempt: number
  /** `closing`: the answer is charged and being written down. */
  state: 'queued' | 'running' | 'resuming' | 'closing' | 'ended'
  attempts: number
  /** Nodes that had it before: they may have signed for the whole answer. */
  readonly asked: Set<number>
  /** Nodes that failed it. */
  excluded: number[]
  /** Tried first: it may hold the finished answer from before a restart. */
  oldNode: number
  attempt: Attempt | undefined
  /** Failures that were nobody's fault. */
  mishaps: number
  /** Where it goes on after a lost link. */
  resumeNode: number
  /** The end of waiting, of resuming, or of a cancelled attempt. */
  timer: Cancel
  readonly output: Output
  readonly audience: Audience
}

/** Whether bytes may go out: all that was decided about the call before them is on disk. */
export const isDurable = (job: LiveJob): boolean => job.durable && job.durableAttempt === job.attempts

/** The output so far: one copy, read by all who listen. A class, as all that is made for each call (see sdk/late-stream.ts). */
export class Output {
  #buffer = new Uint8Array(0)
  #length = 0
  #hash = runningHash()

  get length(): number {
    return this.#length
  }

  digest(): Hex {
    return this.#hash.digest()
  }

  /** Takes bytes at `offset`. @returns false if they contradict what is there, or leave a gap. */
  write(offset: number, bytes: Uint8Array): boolean {
    if (offset > this.#length) return false
    const repeated = bytes.subarray(0, this.#length - offset)
    for (let at = 0; at < repeated.length; at += 1) {
      if (repeated[at] !== this.#buffer[offset + at]) return false
    }
    const fresh = bytes.subarray(repeated.length)
    this.#grow(this.#length + fresh.length)
    this.#buffer.set(fresh, this.#length)
    this.#hash.update(fresh)
    this.#length += fresh.length
    return true
  }

  slice(from: number): Uint8Array {
    return this.#buffer.subarray(from, this.#length)
  }

  /** Forgets everything: another node starts over, and nobody has seen any of it. */
  reset(): void {
    this.#length = 0
    this.#hash = runningHash()
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return
    const bigger = new Uint8Array(Math.max(needed, this.#buffer.length * 2, 1024))
    bigger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = bigger
  }
}

/** When an audience is served, and who hears of it. */
export interface AudienceHost {
  timers: Pick<Timers, 'soon'>
  /** Whether bytes may leave yet. */
  mayFlow(): boolean
  /** Called after bytes have left. */
  onFlow(): void
}

interface Seat {
  listener: Listener
  sent: number
  busy: boolean
  scheduled: boolean
}

/** Those who listen to one job, each at its own pace. */
export class Audience {
  readonly #output: Output
  readonly #host: AudienceHost
  readonly #seats = new Map<Listener, Seat>()
  #chosen: Accepted | undefined
  #forwarded = 0
  #seen = 0
  #end: End | undefined

  /** @param output  What to send. */
  constructor(output: Output, host: AudienceHost) {
    this.#output = output
    this.#host = host
  }

  get size(): number {
    return this.#seats.size
  }

  get streams(): number {
    return [...this.#seats.values()].filter((seat) => seat.listener.streaming).length
  }

  /** Output bytes that have left for the fastest stream. */
  get forwarded(): number {
    return this.#forwarded
  }

  /** Output bytes that somebody may have seen. */
  get seen(): number {
    return this.#seen
  }

  join(listener: Listener): void {
    const seat: Seat = { listener, sent: 0, busy: false, scheduled: false }
    this.#seats.set(listener, seat)
    if (this.#chosen) listener.accepted(this.#chosen)
    this.#schedule(seat)
  }

  leave(listener: Listener): void {
    this.#seats.delete(listener)
  }

  accepted(chosen: Accepted): void {
    this.#chosen = chosen
    for (const { listener } of this.#seats.values()) listener.accepted(chosen)
  }

  /** More output, or permission to send it. */
  more(): void {
    for (const seat of this.#seats.values()) this.#schedule(seat)
  }

  /** Ends the streams of those that do not take what they asked for. */
  cut(): void {
    for (const { listener } of [...this.#seats.values()]) if (listener.streaming) listener.cut?.()
  }

  end(end: End): void {
    this.#end = end
    this.more()
  }

  #schedule(seat: Seat): void {
    if (seat.scheduled) return
    seat.scheduled = true
    this.#host.timers.soon(() => {
      seat.scheduled = false
      this.#serve(seat)
    })
  }

  #serve(seat: Seat): void {
    if (this.#seats.get(seat.listener) !== seat || seat.busy) return
    const mayFlow = seat.listener.streaming && this.#host.mayFlow()
    const waiting = mayFlow ? this.#output.slice(seat.sent) : NO_BYTES
    if (waiting.length > 0) return this.#send(seat, waiting)
    const end = this.#end
    if (!end) return
    this.#seats.delete(seat.listener)
    if ('answer' in end) seat.listener.finished(end.answer)
    else seat.listener.failed(end.error)
  }

  #send(seat: Seat, bytes: Uint8Array): void {
    seat.busy = true
    seat.sent += bytes.length
    this.#seen = Math.max(this.#seen, seat.sent)
    const upTo = seat.sent
    // A copy: the buffer below may be replaced while the bytes wait in a socket.
    seat.listener.chunk(bytes.slice(), () => {
      seat.busy = false
      if (upTo > this.#forwarded) {
        this.#forwarded = upTo
        this.#host.onFlow()
      }
      this.#serve(seat)
    })
  }
}

const NO_BYTES = new Uint8Array(0)
