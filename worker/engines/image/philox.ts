/**
 * Philox4x32-10, the counter-based generator of Salmon et al. (2011): four 32-bit words for a (key, counter)
 * pair. Nothing is carried from one draw to the next, so any value can be recomputed alone, in any order, on any
 * machine. A verifier needs that to re-run one denoising step.
 */
const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85
const ROUNDS = 10

export type Words = [number, number, number, number]

/** The high 32 bits of a 32 × 32 bit product, by 16-bit halves because a double holds only 53 bits. */
function highOfProduct(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0
}

/**
 * @param key0,key1 The two key words, unsigned 32-bit.
 * @param counter   The four counter words, unsigned 32-bit; left as they are.
 * @param into      Where the four result words go, unsigned 32-bit.
 */
export function philox(key0: number, key1: number, counter: Readonly<Words>, into: Words): void {
  let [a, b, c, d] = counter
  let k0 = key0
  let k1 = key1
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highOfProduct(MULTIPLIER_0, a)
    const low0 = Math.imul(MULTIPLIER_0, a) >>> 0
    const high1 = highOfProduct(MULTIPLIER_1, c)
    const low1 = Math.imul(MULTIPLIER_1, c) >>> 0
    a = (high1 ^ b ^ k0) >>> 0
    b = low1
    c = (high0 ^ d ^ k1) >>> 0
    d = low0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  into[0] = a
  into[1] = b
  into[2] = c
  into[3] = d
}
