import type { ChatRequest } from './request.ts'
import { type Draw, TOP } from './sampler.ts'

/** "HCE1": heurist chat evidence, layout 1. */
const MAGIC = 0x48434531
const HEADER_BYTES = 4 + 8 + 4 + 4 + 4 + 4 + 1
/** One drawn token with the likeliest ones. */
export const DRAW_BYTES = 4 + 4 + TOP * 8

/**
 * What the worker commits to before anyone asks for it, big-endian:
 *
 *   header   magic u32 | seed u64 | temperature f32 | top_p f32 | prompt tokens u32 | drawn tokens u32 | top u8
 *   per drawn token, the end mark included:
 *            token u32 | its log-probability f32 | the 8 likeliest: (token u32 | log-probability f32) × 8
 *
 * A verifier reads the request, runs one prefill over prompt and drawn tokens, and compares the log-probabilities
 * within the tolerance of (model, dtype, provider); with the seed it also draws every token again. A vocabulary
 * of fewer than 8 tokens leaves the rest zero.
 */
export function chatEvidence(request: ChatRequest, promptTokens: number, draws: readonly Draw[]): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + draws.length * DRAW_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setBigUint64(4, BigInt(request.seed))
  view.setFloat32(12, request.temperature)
  view.setFloat32(16, request.topP)
  view.setUint32(20, promptTokens)
  view.setUint32(24, draws.length)
  view.setUint8(28, TOP)
  writeDraws(view, HEADER_BYTES, draws)
  return bytes
}

/** Writes every drawn token from a byte on: token, its log-probability, the likeliest ones. */
export function writeDraws(view: DataView, from: number, draws: readonly Draw[]): void {
  for (const [i, { token, logprob, top }] of draws.entries()) {
    const row = from + i * DRAW_BYTES
    view.setUint32(row, token)
    view.setFloat32(row + 4, logprob)
    for (const [k, likely] of top.entries()) {
      view.setUint32(row + 8 + 8 * k, likely.token)
      view.setFloat32(row + 12 + 8 * k, likely.logprob)
    }
  }
}
