/**
 * The noise levels of a picture made in `steps` steps: steps + 1 falling numbers from 1 (noise alone) to 0 (clean).
 *
 * @param shift Bends evenly spaced levels u to shift·u / (1 + (shift - 1)·u); 1 leaves them.
 */
export function noiseLevels(steps: number, shift: number): Float32Array {
  return Float32Array.from({ length: steps + 1 }, (_, i) => {
    const even = 1 - i / steps
    return (shift * even) / (1 + (shift - 1) * even)
  })
}

/**
 * One Euler step of the rectified flow, and the whole of what a verifier repeats:
 * x ← x + (to - from) · (x - clean) / from, where clean = without + guidance · (prompted - without).
 * At `to` = 0 this is the guided clean picture itself.
 *
 * @param latents  The noisy picture at level `from`; left as it is.
 * @param guesses  The denoiser's two answers, one after the other: with the prompt, without it.
 */
export function eulerStep(
  latents: Float32Array,
  guesses: Float32Array,
  from: number,
  to: number,
  guidance: number,
): Float32Array {
  const size = latents.length
  const kept = to / from
  const next = new Float32Array(size)
  for (let i = 0; i < size; i++) {
    const prompted = guesses[i] ?? 0
    const without = guesses[size + i] ?? 0
    const clean = without + guidance * (prompted - without)
    next[i] = kept * (latents[i] ?? 0) + (1 - kept) * clean
  }
  return next
}
