import { asHeuristError, type ErrorBody, type HeuristError, later, refused } from '../../sdk/errors.ts'
import { fastKeccak, recoverSigner } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { decodeFrames, FRAME, type Frame, type FrameType, jsonPayload } from '../../sdk/protocol/frames.ts'
import {
  CLOSE_REPLACED,
  challengeText,
  type Hello,
  helloSchema,
  type SlotState,
  slotStateSchema,
  textDigest,
  watchSilence,
} from '../../sdk/protocol/link.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import type { Wire, World } from '../world.ts'
import type { Limits } from './config.ts'
import { outbox } from './outbox.ts'
import type { Registry } from './registry.ts'

/** One admitted worker. */
export interface Link {
  readonly node: number
  readonly signer: `0x${string}`
  /** A number for a new job on this link, never 0. */
  nextJob(): number
  /** Queued; everything of one tick leaves as one message. */
  send(job: number, type: FrameType, payload: Uint8Array): void
  /** The same, for what the worker does not wait for: it leaves with the next message, or a moment later. */
  mention(job: number, type: FrameType, payload: Uint8Array): void
  close(code: number, reason: string): void
}

/** What links tell the rest of the router. */
export interface LinkEvents {
  up(link: Link, hello: Hello): void
  down(link: Link): void
  slots(link: Link, slots: SlotState[]): void
  frame(link: Link, frame: Frame): void
}

export interface Links {
  /** A worker has dialled in: challenges it. */
  attach(wire: Wire): void
  of(node: number): Link | undefined
  readonly count: number
  /** Says goodbye to every worker; they will come back to the next router. */
  stop(): void
  /** Ends every connection without a word. */
  cut(): void
}

/** Reasons why the router ends a link, as WebSocket close codes. */
export const CLOSE = {
  protocol: 4000,
  replaced: CLOSE_REPLACED,
  silent: 4002,
  refused: 4003,
  stopping: 1001,
} as const

/** A worker that lets so much wait is not reading. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024
/** Heartbeats that may be missed. */
const MISSED_BEATS = 3
const EMPTY = new Uint8Array(0)

interface Deps {
  world: Pick<World, 'clock' | 'timers' | 'random' | 'chain' | 'log'>
  registry: Registry
  limits: Limits
  events: LinkEvents
}

export function createLinks({ world, registry, limits, events }: Deps): Links {
  const { clock, timers, log, chain } = world
  const links = new Map<number, Link>()
  const wires = new Set<Wire>()
  let stopping = false

  function attach(wire: Wire): void {
    if (stopping) return wire.close(CLOSE.stopping, 'the router is stopping')
    wires.add(wire)
    const out = outbox(wire, timers)
    const nonce = toHex(world.random.bytes(32))
    const challenge = {
      nonce,
      router: chain.router,
      chainId: chain.domain.chainId,
      ledger: chain.domain.verifyingContract,
    }
    let link: Link | undefined
    let greeted = false
    const { heartbeatMs } = limits
    const silence = watchSilence({ heartbeatMs, mostMs: MISSED_BEATS * heartbeatMs, nowMs: clock.nowMs })
    const patience = timers.after(limits.challengeMs, () => end(CLOSE.refused, 'no answer to the challenge'))
    const beat = timers.every(heartbeatMs, () => {
      const isSilent = silence.isTooLong()
      if (!link) return
      if (isSilent) return end(CLOSE.silent, 'no heartbeat')
      if (wire.waitingBytes > MOST_WAITING_BYTES) return end(CLOSE.silent, 'not reading')
      out.send({ job: 0, type: FRAME.heartbeat, payload: EMPTY })
    })

    function gone(): void {
      if (!wires.delete(wire)) return
      patience()
      beat()
      if (!link || links.get(link.node) !== link) return
      links.delete(link.node)
      log.info({ event: 'link.down', node: link.node })
      events.down(link)
    }

    function end(code: number, reason: string): void {
      out.flush()
      wire.close(code, reason)
      gone()
    }

    /** Ends the link and says why, in words that the worker can log. */
    function refuse(error: HeuristError): void {
      log.warn({ event: 'link.refused', ...error.toJSON() })
      out.send({ job: 0, type: FRAME.fail, payload: jsonPayload(error.toJSON()) })
      end(CLOSE.refused, error.code)
    }

    async function greet(payload: Uint8Array): Promise<void> {
      const hello = parseWire(helloSchema, jsonOf(payload), 'hello.malformed')
      const signer = await admitted(hello)
      if (!wires.has(wire)) return
      patience()
      links.get(hello.node)?.close(CLOSE.replaced, 'a newer link of this node took over')
      let lastJob = 0
      link = {
        node: hello.node,
        signer,
        nextJob() {
          lastJob = (lastJob % 0xffff_ffff) + 1
          return lastJob
        },
        send: (job, type, bytes) => out.send({ job, type, payload: bytes }),
        mention: (job, type, bytes) => out.mention({ job, type, payload: bytes }),
        close: end,
      }
      links.set(hello.node, link)
      const { leaseMs, windowBytes } = limits
      link.send(0, FRAME.ready, jsonPayload({ node: hello.node, leaseMs, heartbeatMs, windowBytes }))
      log.info({ event: 'link.up', node: hello.node, slots: hello.slots.length, version: hello.version })
      events.up(link, hello)
    }

    /** @throws `node.unknown`, `node.inactive`, `signature.invalid` (refused). */
    async function admitted({ node, signature }: Hello): Promise<`0x${string}`> {
      const entry = await registry.node(node)
      if (!entry) {
        throw refused('node.unknown', `Nobody registered node ${node}.`, {
          fix: 'Register the node first: heurist node up does it.',
          details: { node },
        })
      }
      if (!entry.active) {
        throw refused('node.inactive', `Node ${node} is deactivated.`, {
          fix: 'Reactivate it in the Registry.',
        })
      }
      const digest = textDigest(challengeText(challenge, node), fastKeccak)
      const recovered = isSignature(signature) ? recoverSigner(digest, signature) : undefined
      if (recovered?.toLowerCase() === entry.signer.toLowerCase()) return entry.signer
      throw refused('signature.invalid', `The challenge is not signed by the signer of node ${node}.`, {
        fix: 'Use the signer key that the Registry names for this node.',
        details: { recovered: recovered ?? 'nobody', signer: entry.signer },
      })
    }

    function take(frame: Frame): void {
      if (!link) {
        if (frame.type !== FRAME.hello || greeted) return end(CLOSE.protocol, 'hello comes first, once')
        greeted = true
        greet(frame.payload).catch((cause: unknown) => refuse(asHeuristError(cause)))
        return
      }
      if (frame.type === FRAME.heartbeat) return
      if (frame.type === FRAME.slots) return events.slots(link, slotsOf(frame.payload))
      events.frame(link, frame)
    }

    wire.onMessage = (message) => {
      silence.heard()
      try {
        for (const frame of decodeFrames(message)) {
          if (!wires.has(wire)) return
          take(frame)
        }
      } catch (cause) {
        log.warn({ event: 'link.malformed', node: link?.node ?? 0, message: asHeuristError(cause).message })
        end(CLOSE.protocol, 'malformed frame')
      }
    }
    wire.onClose = gone
    out.send({ job: 0, type: FRAME.challenge, payload: jsonPayload(challenge) })
  }

  registry.onNode = (id) => {
    const link = links.get(id)
    if (!link) return
    void registry.node(id).then((entry) => {
      const same = entry?.active && entry.signer.toLowerCase() === link.signer.toLowerCase()
      if (!same && links.get(id) === link) link.close(CLOSE.refused, 'the Registry names another signer')
    })
  }

  return {
    attach,
    of: (node) => links.get(node),
    get count() {
      return links.size
    },
    cut() {
      for (const wire of wires) wire.cut()
    },
    stop() {
      stopping = true
      for (const link of [...links.values()]) {
        link.send(0, FRAME.goaway, EMPTY)
        link.close(CLOSE.stopping, 'the router is stopping')
      }
      for (const wire of [...wires]) wire.close(CLOSE.stopping, 'the router is stopping')
    },
  }
}

const isSignature = (text: string): text is `0x${string}` => /^0x([0-9a-f]{128}|[0-9a-f]{130})$/i.test(text)

const jsonOf = (payload: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(payload))
  } catch {
    throw refused('frame.malformed', 'The payload of the frame is not JSON.')
  }
}

const slotsOf = (payload: Uint8Array): SlotState[] =>
  parseWire(slotStateSchema.array().max(1000), jsonOf(payload), 'frame.malformed')

/** A worker's reason for a failed job, made safe: it may say why, it may not speak for us. */
export function workerFailure(payload: Uint8Array): ErrorBody {
  const fallback = later('node.failed', 'The node failed without a reason.').toJSON()
  let value: unknown
  try {
    value = jsonOf(payload)
  } catch {
    return fallback
  }
  const { code, kind, message, field, fix } = (value ?? {}) as Record<string, unknown>
  if (typeof code !== 'string' || !/^[a-z_]{1,40}\.[a-z_]{1,60}$/.test(code)) return fallback
  const words = (text: unknown) => (typeof text === 'string' && text.length <= 1_000 ? text : undefined)
  return {
    code,
    kind: kind === 'refused' ? 'refused' : 'later',
    message: words(message) ?? code,
    ...(words(fix) === undefined ? {} : { fix: words(fix) as string }),
    ...(words(field) === undefined ? {} : { field: words(field) as string }),
  }
}
