import { philox, type Words } from './philox.ts'

const TWO_TO_32 = 4294967296

/**
 * Natural logarithm of 0 < x < 1 from + - * / alone. ECMAScript leaves the last bits of `Math.log` to the engine;
 * these four operations are fixed to the bit by IEEE 754, so every machine draws the same noise.
 * ln x = e ln 2 + 2 artanh((m - 1) / (m + 1)) with x = m 2^e and m in [√½, √2).
 */
function ln(x: number): number {
  let exponent = 0
  let mantissa = x
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2
    exponent--
  }
  const s = (mantissa - 1) / (mantissa + 1)
  const square = s * s
  let series = 0
  for (let odd = 21; odd >= 1; odd -= 2) series = series * square + 1 / odd
  return exponent * Math.LN2 + 2 * s * series
}

/**
 * Inverse of the normal distribution function, Wichura's algorithm AS 241 (PPND7), about 7 correct digits: a
 * rational function and, in the tails, one square root (also fixed to the bit) of our own logarithm.
 *
 * @param p 2^-33 ≤ p ≤ 1 - 2^-33, so the third branch of the published algorithm (p < e^-25) is never reached.
 */
export function inverseNormal(p: number): number {
  const q = p - 0.5
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q
    const above = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
    const below = ((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1
    return (q * above) / below
  }
  const r = Math.sqrt(-ln(q < 0 ? p : 1 - p)) - 1.6
  const above = ((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777
  const below = (0.12021132975 * r + 0.7370016425) * r + 1
  return q < 0 ? -above / below : above / below
}

/**
 * Seeded standard normal noise: value `index` of denoising step `step` under `seed`, each on its own.
 * Words 4j … 4j+3 come from Philox4x32-10 with key (seed, 0) and counter (j, step, 0, 0); a word w becomes the
 * probability (w + ½) / 2^32 and that becomes its normal quantile, rounded to float32.
 *
 * @param seed  Unsigned 32-bit.
 * @param step  0 is the noise a picture starts from; the Euler solver draws no other.
 */
export function gaussian(seed: number, step: number, length: number): Float32Array {
  const noise = new Float32Array(length)
  const words: Words = [0, 0, 0, 0]
  for (let block = 0; block * 4 < length; block++) {
    philox(seed, 0, [block, step, 0, 0], words)
    for (let lane = 0; lane < 4 && block * 4 + lane < length; lane++) {
      noise[block * 4 + lane] = inverseNormal(((words[lane] ?? 0) + 0.5) / TWO_TO_32)
    }
  }
  return noise
}
