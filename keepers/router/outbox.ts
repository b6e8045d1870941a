import { encodeFrames, FRAME_HEADER_BYTES, type Frame } from '../../sdk/protocol/frames.ts'
import type { Cancel, Timers, Wire } from '../world.ts'

/** Frames leave at the end of the tick, or as soon as they make this many bytes. */
const FLUSH_BYTES = 64 * 1024
/** What nobody waits for leaves after this. */
const MENTION_MS = 50

export interface Outbox {
  flush(): void
  send(frame: Frame): void
  /** For what the other end does not wait for: it leaves with the next message, or a moment later. */
  mention(frame: Frame): void
}

/** Frames of one tick leave as one message. */
export function outbox(wire: Wire, timers: Pick<Timers, 'soon' | 'after'>): Outbox {
  let frames: Frame[] = []
  let bytes = 0
  let scheduled = false
  let mentions: Cancel | undefined

  function flush(): void {
    scheduled = false
    mentions?.()
    mentions = undefined
    if (frames.length === 0) return
    const message = encodeFrames(frames)
    frames = []
    bytes = 0
    wire.send(message)
  }

  function add(frame: Frame): void {
    frames.push(frame)
    bytes += FRAME_HEADER_BYTES + frame.payload.length
    if (bytes >= FLUSH_BYTES) flush()
  }

  return {
    flush,
    send(frame: Frame): void {
      add(frame)
      if (scheduled || frames.length === 0) return
      scheduled = true
      timers.soon(flush)
    },
    mention(frame: Frame): void {
      add(frame)
      if (frames.length > 0) mentions ??= timers.after(MENTION_MS, flush)
    },
  }
}
