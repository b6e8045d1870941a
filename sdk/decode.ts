import { bug } from './errors.ts'
import type { PodKind } from './protocol/manifest.ts'

/** How the output bytes of a pod kind read. */
export interface Piece {
  /** Output bytes, in order. */
  bytes: Uint8Array
  /** Text that these bytes completed; chat and translate only. */
  text?: string
  /** Why the answer ended, on its last piece. */
  finish?: string
}

export interface Decoder {
  /** Takes bytes as they arrive and says what they mean. */
  push(bytes: Uint8Array): Piece
}

export const mediaTypeOf = (kind: PodKind): string =>
  kind === 'image' ? 'image/png' : 'application/x-ndjson'

/** Chat answers are lines of JSON: `{"text"}` and a last `{"finish"}`. Everything else is bytes. */
export function decoderOf(kind: PodKind): Decoder {
  return kind === 'chat' || kind === 'translate' ? lineDecoder() : { push: (bytes) => ({ bytes }) }
}

function lineDecoder(): Decoder {
  const utf8 = new TextDecoder()
  let rest = ''
  return {
    push(bytes) {
      rest += utf8.decode(bytes, { stream: true })
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      const piece: Piece = { bytes }
      for (const line of lines) {
        if (line === '') continue
        const event = parseLine(line)
        if (event.text !== undefined) piece.text = (piece.text ?? '') + event.text
        if (event.finish !== undefined) piece.finish = event.finish
      }
      return piece
    },
  }
}

/** @throws `output.unreadable` (bug): the bytes were paid for and verified, but are not what the kind promises. */
function parseLine(line: string): { text?: string; finish?: string } {
  try {
    return JSON.parse(line) as { text?: string; finish?: string }
  } catch (cause) {
    throw bug('output.unreadable', 'a line of the answer is not JSON', { cause })
  }
}
