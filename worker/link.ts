import type { Address } from 'viem'
import { WebSocket } from 'ws'
import { asHeuristError, refused } from '../sdk/errors.ts'
import { fastKeccak, type Signer } from '../sdk/native.ts'
import type { Log } from '../sdk/program.ts'
import {
  decodeFrames,
  encodeFrames,
  FRAME,
  FRAME_HEADER_BYTES,
  type Frame,
  type FrameType,
  jsonPayload,
  MAX_FRAME_BYTES,
} from '../sdk/protocol/frames.ts'
import {
  type Challenge,
  CLOSE_REPLACED,
  challengeSchema,
  challengeText,
  type Hello,
  LINK_PATH,
  LINK_PROTOCOL,
  type Ready,
  readySchema,
  textDigest,
  watchSilence,
} from '../sdk/protocol/link.ts'
import { parseWire } from '../sdk/protocol/wire.ts'

/** What the worker is sure of; a router that asks for a signature about anything else gets none. */
export interface LinkPins {
  chainId: number
  ledger: Address
  router: Address
}

export interface LinkDeps {
  routerUrl: string
  node: number
  pins: LinkPins
  signer: Signer
  /** What to say of ourselves, asked at each connection. */
  hello(): Promise<Pick<Hello, 'version' | 'hardware' | 'slots'>>
  /** Admitted: frames may be sent until `lost`. */
  ready(outlet: LinkOutlet): void
  frame(frame: Frame, outlet: LinkOutlet): void
  lost(): void
  /** A newer link of the same node took over: this worker must not fight it. */
  replaced(): void
  log: Log
  /** For the reconnection's jitter: [0, 1). */
  random?: () => number
  times?: Partial<LinkTimes>
}

export interface LinkTimes {
  /** First pause before dialling again; doubles up to `backoffMostMs`, each drawn between half and whole. */
  backoffMs: number
  backoffMostMs: number
  /** From dialling to `ready`. */
  admissionMs: number
}

export const LINK_TIMES: LinkTimes = { backoffMs: 250, backoffMostMs: 15_000, admissionMs: 15_000 }

/** One admitted connection. */
export interface LinkOutlet extends Ready {
  /** Queued and sent with everything else of this turn. @returns false if the connection is gone. */
  send(job: number, type: FrameType, payload: Uint8Array): boolean
}

export interface Link {
  readonly up: boolean
  /** Sends what is queued, then closes for good. */
  close(): Promise<void>
}

const FLUSH_BYTES = 64 * 1024
const EMPTY = new Uint8Array(0)

const socketUrl = (routerUrl: string): string =>
  `${routerUrl.replace(/^http/, 'ws').replace(/\/+$/, '')}${LINK_PATH}`

/** @throws `challenge.wrong` (refused): never sign for a chain, ledger or router that we did not choose. */
export function checkChallenge(challenge: Challenge, pins: LinkPins): void {
  for (const field of ['chainId', 'ledger', 'router'] as const) {
    const [given, expected] = [String(challenge[field]), String(pins[field])]
    if (given.toLowerCase() === expected.toLowerCase()) continue
    throw refused('challenge.wrong', `The router's challenge names another ${field}.`, {
      fix: 'Check the router URL: this is not the router that described the network.',
      field,
      details: { given, expected },
    })
  }
}

/** Dials out, proves who it is, and keeps doing so until closed. */
export function openLink(deps: LinkDeps): Link {
  const times = { ...LINK_TIMES, ...deps.times }
  const random = deps.random ?? Math.random
  let closed = false
  let failures = 0
  let again: NodeJS.Timeout | undefined
  let connection: Connection | undefined

  function dial(): void {
    connection = connect(deps, times, {
      admitted() {
        failures = 0
      },
      gone(code) {
        connection = undefined
        if (closed) return
        if (code === CLOSE_REPLACED) {
          closed = true
          return deps.replaced()
        }
        const wholeMs = Math.min(times.backoffMs * 2 ** failures, times.backoffMostMs)
        failures = Math.min(failures + 1, 30)
        again = setTimeout(dial, wholeMs * (0.5 + random() / 2))
      },
    })
  }
  dial()

  return {
    get up() {
      return connection?.up ?? false
    },
    async close() {
      closed = true
      clearTimeout(again)
      await connection?.close()
    },
  }
}

interface Connection {
  readonly up: boolean
  close(): Promise<void>
}

function connect(
  deps: LinkDeps,
  times: LinkTimes,
  on: { admitted(): void; gone(code: number): void },
): Connection {
  const { log } = deps
  const socket = new WebSocket(socketUrl(deps.routerUrl), LINK_PROTOCOL, {
    perMessageDeflate: false,
    handshakeTimeout: times.admissionMs,
    maxPayload: 4 * MAX_FRAME_BYTES,
  })
  const queue = outgoingFrames(socket)
  let outlet: LinkOutlet | undefined
  let beat: NodeJS.Timeout | undefined
  const admission = setTimeout(() => drop('no admission in time'), times.admissionMs)

  function drop(why: string): void {
    log.warn({ event: 'link.dropped', why })
    socket.terminate()
  }

  /** A router that says nothing for a whole lease is not there, whatever TCP believes. */
  function keepAlive({ heartbeatMs, leaseMs }: Ready): void {
    const silence = watchSilence({ heartbeatMs, mostMs: leaseMs, nowMs: () => performance.now() })
    socket.on('message', silence.heard)
    socket.on('pong', silence.heard)
    beat = setInterval(() => {
      if (silence.isTooLong()) return drop('the router is silent')
      queue.send({ job: 0, type: FRAME.heartbeat, payload: EMPTY })
      socket.ping()
    }, heartbeatMs)
  }

  async function greet(payload: Uint8Array): Promise<void> {
    const challenge = parseWire(challengeSchema, json(payload), 'challenge.malformed')
    checkChallenge(challenge, deps.pins)
    const signature = deps.signer.sign(textDigest(challengeText(challenge, deps.node), fastKeccak))
    const hello: Hello = { node: deps.node, signature, ...(await deps.hello()) }
    queue.send({ job: 0, type: FRAME.hello, payload: jsonPayload(hello) })
  }

  function admit(payload: Uint8Array): void {
    const ready = parseWire(readySchema, json(payload), 'ready.malformed')
    clearTimeout(admission)
    outlet = { ...ready, send: (job, type, bytes) => queue.send({ job, type, payload: bytes }) }
    keepAlive(ready)
    on.admitted()
    log.info({ event: 'link.ready', router: deps.pins.router, leaseMs: ready.leaseMs })
    deps.ready(outlet)
  }

  async function take(frame: Frame): Promise<void> {
    if (frame.type === FRAME.challenge && !outlet) return greet(frame.payload)
    if (frame.type === FRAME.ready && !outlet) return admit(frame.payload)
    if (frame.type === FRAME.heartbeat) return
    if (frame.type === FRAME.fail && frame.job === 0) {
      return void log.error({ event: 'link.refused', error: json(frame.payload) })
    }
    if (outlet) deps.frame(frame, outlet)
  }

  socket.on('message', (data) => {
    let frames: Frame[]
    try {
      frames = decodeFrames(new Uint8Array(data as Buffer))
    } catch (cause) {
      return drop(asHeuristError(cause).message)
    }
    for (const frame of frames) {
      take(frame).catch((cause: unknown) => {
        log.error({ event: 'link.failed', error: asHeuristError(cause).toJSON() })
        socket.close(1002)
      })
    }
  })
  // Every failure to connect ends in `close` as well.
  socket.on('error', (cause) => log.debug({ event: 'link.error', message: cause.message }))
  socket.on('close', (code, reason) => {
    clearTimeout(admission)
    clearInterval(beat)
    queue.close()
    log.warn({ event: 'link.closed', code, reason: reason.toString(), admitted: outlet !== undefined })
    if (outlet) deps.lost()
    on.gone(code)
  })

  return {
    get up() {
      return outlet !== undefined && socket.readyState === WebSocket.OPEN
    },
    close: () =>
      new Promise((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) return resolve()
        socket.once('close', () => resolve())
        setTimeout(() => socket.terminate(), 1_000).unref()
        queue.flush()
        socket.close(1001, 'stopping')
      }),
  }
}

const json = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload))

/** Frames of one turn of the event loop travel as one message, unless it grows past 64 KiB. */
function outgoingFrames(socket: WebSocket) {
  let frames: Frame[] = []
  let bytes = 0
  let timer: NodeJS.Immediate | undefined
  let closed = false

  function flush(): void {
    clearImmediate(timer)
    timer = undefined
    if (frames.length === 0) return
    if (socket.readyState === WebSocket.OPEN) socket.send(encodeFrames(frames))
    frames = []
    bytes = 0
  }

  return {
    flush,
    send(frame: Frame): boolean {
      if (closed || socket.readyState !== WebSocket.OPEN) return false
      frames.push(frame)
      bytes += FRAME_HEADER_BYTES + frame.payload.length
      if (bytes >= FLUSH_BYTES) flush()
      else timer ??= setImmediate(flush)
      return true
    },
    close() {
      closed = true
      clearImmediate(timer)
    },
  }
}
