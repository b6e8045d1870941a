import { readUint, writeUint } from './bytes.ts'

/**
 * Frames between a router and a worker: `length u32 | job u32 | type u8 | payload`, several per WebSocket
 * message, flushed per tick. `job` is the router's number for one attempt on this link; 0 = the link itself.
 */
export const FRAME = {
  /** router → worker, JSON Challenge: sign this. */
  challenge: 1,
  /** worker → router, JSON Hello: who serves, its signature over the challenge, its slots. */
  hello: 2,
  /** router → worker, JSON Ready: admitted. */
  ready: 3,
  /** worker → router, JSON SlotState[]: what is free now, whenever it changes. */
  slots: 4,
  /** both ways, empty payload. */
  heartbeat: 5,
  /** router → worker, JobOrder: run this. */
  job: 6,
  /** worker → router, output bytes in order. */
  chunk: 7,
  /** worker → router, JSON SignedReceipt; job 0 when it is repeated after a reconnect. */
  receipt: 8,
  /** worker → router, JSON ErrorBody: the job failed, nothing is owed. */
  fail: 9,
  /** router → worker, empty: the client left; stop and sign for what was sent. */
  cancel: 10,
  /** router → worker, JSON {request}: your receipt is durable here, you may forget it. */
  received: 11,
  /** router → worker, u32: so many more output bytes may be sent for this job. */
  credit: 12,
  /** router → worker, empty: no new work will come; reconnect later or elsewhere. */
  goaway: 13,
} as const
export type FrameType = (typeof FRAME)[keyof typeof FRAME]

export interface Frame {
  job: number
  type: FrameType
  payload: Uint8Array
}

export const FRAME_HEADER_BYTES = 9
/** Larger frames are refused: a worker splits its output into smaller chunks. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024

const TYPES_KNOWN: ReadonlySet<number> = new Set(Object.values(FRAME))
const utf8 = new TextEncoder()

export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  const bytes = new Uint8Array(
    frames.reduce((sum, frame) => sum + FRAME_HEADER_BYTES + frame.payload.length, 0),
  )
  let at = 0
  for (const frame of frames) {
    writeUint(bytes, at, 4, frame.payload.length)
    writeUint(bytes, at + 4, 4, frame.job)
    bytes[at + 8] = frame.type
    bytes.set(frame.payload, at + FRAME_HEADER_BYTES)
    at += FRAME_HEADER_BYTES + frame.payload.length
  }
  return bytes
}

/** @throws RangeError on anything that is not a whole number of well-formed frames. */
export function decodeFrames(message: Uint8Array): Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at < message.length) {
    if (at + FRAME_HEADER_BYTES > message.length) throw new RangeError('a frame header is cut off')
    const length = Number(readUint(message, at, 4))
    const type = message[at + 8] ?? 0
    const end = at + FRAME_HEADER_BYTES + length
    if (length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${length} bytes`)
    if (end > message.length) throw new RangeError('a frame payload is cut off')
    if (!TYPES_KNOWN.has(type)) throw new RangeError(`unknown frame type ${type}`)
    frames.push({
      job: Number(readUint(message, at + 4, 4)),
      type: type as FrameType,
      payload: message.subarray(at + FRAME_HEADER_BYTES, end),
    })
    at = end
  }
  return frames
}

/** A JSON payload; bigints travel as decimal strings. */
export const jsonPayload = (value: unknown): Uint8Array =>
  utf8.encode(JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? field.toString() : field)))

/** A job order: `header length u32 | JSON header | input bytes`. */
export function encodeJob(header: unknown, input: Uint8Array): Uint8Array {
  const json = jsonPayload(header)
  const bytes = new Uint8Array(4 + json.length + input.length)
  writeUint(bytes, 0, 4, json.length)
  bytes.set(json, 4)
  bytes.set(input, 4 + json.length)
  return bytes
}

/** @throws RangeError if the header is cut off; SyntaxError if it is not JSON. */
export function decodeJob(payload: Uint8Array): { header: unknown; input: Uint8Array } {
  const length = Number(readUint(payload, 0, 4))
  if (payload.length < 4 + length) throw new RangeError('a job header is cut off')
  const header: unknown = JSON.parse(new TextDecoder().decode(payload.subarray(4, 4 + length)))
  return { header, input: payload.subarray(4 + length) }
}
