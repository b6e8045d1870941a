import { crc32 } from 'node:zlib'
import { refused } from '../../../sdk/errors.ts'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
/** Longer sides are shown nowhere. Pixels. */
const MOST_SIDE = 8_192
const CHUNK_FRAME = 12
const HEADER_BYTES = 13

/**
 * Width and height of a PNG that is whole: signature, header first, chunks with true checksums, nothing after its end.
 *
 * @throws `picture.invalid` (refused).
 */
export function readPng(bytes: Uint8Array): { width: number; height: number } {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) throw invalid('does not begin like one')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sides: { width: number; height: number } | undefined
  for (let at = SIGNATURE.length; ; ) {
    if (at + CHUNK_FRAME > bytes.length) throw invalid('ends in the middle')
    const length = view.getUint32(at)
    const end = at + CHUNK_FRAME + length
    if (end > bytes.length) throw invalid('ends in the middle')
    const typed = bytes.subarray(at + 4, end - 4)
    if (crc32(typed) !== view.getUint32(end - 4)) throw invalid('has a checksum that is wrong')
    const type = String.fromCharCode(...typed.subarray(0, 4))
    if (sides === undefined) {
      if (type !== 'IHDR' || length !== HEADER_BYTES) throw invalid('has no header')
      sides = sidesOf(view.getUint32(at + 8), view.getUint32(at + 12))
    }
    if (type === 'IEND') {
      if (end !== bytes.length) throw invalid('goes on after its end')
      return sides
    }
    at = end
  }
}

function sidesOf(width: number, height: number) {
  if (width >= 1 && width <= MOST_SIDE && height >= 1 && height <= MOST_SIDE) return { width, height }
  throw invalid(`is ${width} × ${height} pixels; sides of 1 to ${MOST_SIDE} are shown`)
}

const invalid = (why: string) =>
  refused('picture.invalid', `what was sent is no whole PNG: it ${why}`, {
    fix: 'Send the picture as the network delivered it, in base64.',
    field: 'picture',
  })
