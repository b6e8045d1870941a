/** "HEE1": heurist embedding evidence, layout 1. */
const MAGIC = 0x48454531
const HEADER_BYTES = 12

/** One text as the model read it, and what came of it. */
export interface Embedded {
  readonly tokens: number
  readonly vector: Float32Array
}

/**
 * What the worker commits to before anyone asks for it, big-endian:
 *
 *   header    magic u32 | texts u32 | width u32
 *   per text  tokens u32 | vector f32 × width, before it was rounded for the answer
 *
 * A verifier runs the model again on the same texts, one by one, and compares each vector by its relative distance
 * ‖a − b‖ / ‖a‖, within the tolerance of (model, dtype, provider).
 */
export function embedEvidence(texts: readonly Embedded[]): Uint8Array {
  const width = texts[0]?.vector.length ?? 0
  const bytes = new Uint8Array(HEADER_BYTES + texts.length * (4 + 4 * width))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, texts.length)
  view.setUint32(8, width)
  for (const [i, { tokens, vector }] of texts.entries()) {
    const at = HEADER_BYTES + i * (4 + 4 * width)
    view.setUint32(at, tokens)
    for (const [k, value] of vector.entries()) view.setFloat32(at + 4 + 4 * k, value)
  }
  return bytes
}
