import { DRAW_BYTES, writeDraws } from '../chat/evidence.ts'
import { type Draw, TOP } from '../chat/sampler.ts'

/** "HTE1": heurist translation evidence, layout 1. */
const MAGIC = 0x48544531
const HEADER_BYTES = 4 + 4 + 4 + 1

/**
 * What the worker commits to before anyone asks for it, big-endian:
 *
 *   header   magic u32 | source tokens u32 | drawn tokens u32 | top u8
 *   per drawn token, the end mark included, as in the evidence of chat:
 *            token u32 | its log-probability f32 | the 8 likeliest: (token u32 | log-probability f32) × 8
 *
 * A verifier reads the source once, runs one prefill of the decoder over start, language and drawn tokens, and compares
 * the log-probabilities within the tolerance of (model, dtype, provider). Every token is the likeliest one.
 */
export function translateEvidence(sourceTokens: number, draws: readonly Draw[]): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + draws.length * DRAW_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, sourceTokens)
  view.setUint32(8, draws.length)
  view.setUint8(12, TOP)
  writeDraws(view, HEADER_BYTES, draws)
  return bytes
}
