/** Numbers that a seed decides, for good: xoshiro128**. */
export interface Draw {
  /** An integer in [0, limit). */
  below(limit: number): number
  /** In [0, 1). */
  part(): number
  /** Standard normal. */
  normal(): number
}

export function createDraw(seed: number): Draw {
  // splitmix32 spreads the seed over the state.
  let mixed = seed >>> 0
  const mix = () => {
    mixed = (mixed + 0x9e3779b9) >>> 0
    let z = mixed
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  const s = new Uint32Array([mix(), mix(), mix(), mix()])
  const rotate = (x: number, by: number) => ((x << by) | (x >>> (32 - by))) >>> 0

  function next(): number {
    const [a = 0, b = 0, c = 0, d = 0] = s
    const result = Math.imul(rotate(Math.imul(b, 5) >>> 0, 7), 9) >>> 0
    const t = (b << 9) >>> 0
    const [c1, d1] = [(c ^ a) >>> 0, (d ^ b) >>> 0]
    s[1] = (b ^ c1) >>> 0
    s[0] = (a ^ d1) >>> 0
    s[2] = (c1 ^ t) >>> 0
    s[3] = rotate(d1, 11)
    return result
  }
  const part = () => next() / 2 ** 32

  return {
    below: (limit) => Math.floor(part() * limit),
    part,
    normal: () => Math.sqrt(-2 * Math.log(1 - part())) * Math.cos(2 * Math.PI * part()),
  }
}
