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

/** The output so far: one copy, read by all who listen. */
export interface Output {
  readonly length: number
  digest(): Hex
  /** Takes bytes at `offset`. @returns false if they contradict what is there, or leave a gap. */
  write(offset: number, bytes: Uint8Array): boolean
  slice(from: number): Uint8Array
  /** Forgets everything: another node starts over, and nobody has seen any of it. */
  reset(): void
}

export function createOutput(): Output {
  let buffer = new Uint8Array(0)
  let length = 0
  let hash = runningHash()

  function grow(needed: number): void {
    if (needed <= buffer.length) return
    const bigger = new Uint8Array(Math.max(needed, buffer.length * 2, 1024))
    bigger.set(buffer.subarray(0, length))
    buffer = bigger
  }

  return {
    get length() {
      return length
    },
    digest: () => hash.digest(),
    write(offset, bytes) {
      if (offset > length) return false
      const repeated = bytes.subarray(0, length - offset)
      for (let at = 0; at < repeated.length; at += 1) {
        if (repeated[at] !== buffer[offset + at]) return false
      }
      const fresh = bytes.subarray(repeated.length)
      grow(length + fresh.length)
      buffer.set(fresh, length)
      hash.update(fresh)
      length += fresh.length
      return true
    },
    slice: (from) => buffer.subarray(from, length),
    reset() {
      length = 0
      hash = runningHash()
    },
  }
}

/** Those who listen to one job, each at its own pace. */
export interface Audience {
  readonly size: number
  readonly streams: number
  /** Output bytes that have left for the fastest stream. */
  readonly forwarded: number
  /** Output bytes that somebody may have seen. */
  readonly seen: number
  join(listener: Listener): void
  leave(listener: Listener): void
  accepted(chosen: Accepted): void
  /** More output, or permission to send it. */
  more(): void
  /** Ends the streams of those that do not take what they asked for. */
  cut(): void
  end(end: End): void
}

interface Seat {
  listener: Listener
  sent: number
  busy: boolean
  scheduled: boolean
}

/**
 * @param output   What to send.
 * @param mayFlow  Whether bytes may leave yet.
 * @param onFlow   Called after bytes have left.
 */
export function createAudience(
  output: Output,
  mayFlow: () => boolean,
  onFlow: () => void,
  timers: Pick<Timers, 'soon'>,
): Audience {
  const seats = new Map<Listener, Seat>()
  let chosen: Accepted | undefined
  let forwarded = 0
  let seen = 0
  let ended: End | undefined

  function schedule(seat: Seat): void {
    if (seat.scheduled) return
    seat.scheduled = true
    timers.soon(() => {
      seat.scheduled = false
      serve(seat)
    })
  }

  function serve(seat: Seat): void {
    if (seats.get(seat.listener) !== seat || seat.busy) return
    const waiting = seat.listener.streaming && mayFlow() ? output.slice(seat.sent) : new Uint8Array(0)
    if (waiting.length > 0) return send(seat, waiting)
    if (!ended) return
    seats.delete(seat.listener)
    if ('answer' in ended) seat.listener.finished(ended.answer)
    else seat.listener.failed(ended.error)
  }

  function send(seat: Seat, bytes: Uint8Array): void {
    seat.busy = true
    seat.sent += bytes.length
    seen = Math.max(seen, seat.sent)
    const upTo = seat.sent
    // A copy: the buffer below may be replaced while the bytes wait in a socket.
    seat.listener.chunk(bytes.slice(), () => {
      seat.busy = false
      if (upTo > forwarded) {
        forwarded = upTo
        onFlow()
      }
      serve(seat)
    })
  }

  return {
    get size() {
      return seats.size
    },
    get streams() {
      return [...seats.values()].filter((seat) => seat.listener.streaming).length
    },
    get forwarded() {
      return forwarded
    },
    get seen() {
      return seen
    },
    join(listener) {
      const seat: Seat = { listener, sent: 0, busy: false, scheduled: false }
      seats.set(listener, seat)
      if (chosen) listener.accepted(chosen)
      schedule(seat)
    },
    leave: (listener) => void seats.delete(listener),
    accepted(now) {
      chosen = now
      for (const { listener } of seats.values()) listener.accepted(now)
    },
    more() {
      for (const seat of seats.values()) schedule(seat)
    },
    cut() {
      for (const { listener } of [...seats.values()]) if (listener.streaming) listener.cut?.()
    },
    end(end) {
      ended = end
      for (const seat of seats.values()) schedule(seat)
    },
  }
}
