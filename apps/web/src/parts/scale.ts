/** Where a part of a bar begins and how long it is, in percent of the whole width. */
export interface Stretch {
  from: number
  width: number
}

/** Amounts side by side, to a hundredth of a percent rounded down. @param most  What is as long as the width. Pure. */
export function stretchesOf(parts: readonly bigint[], most: bigint): Stretch[] {
  let before = 0n
  return parts.map((part) => {
    const from = percentOf(before, most)
    before += part
    return { from, width: percentOf(part, most) }
  })
}

const percentOf = (amount: bigint, most: bigint): number =>
  most === 0n ? 0 : Number((amount * 10_000n) / most) / 100

/** The largest; nothing where there is none. */
export function mostOf(amounts: readonly bigint[]): bigint {
  let most = 0n
  for (const amount of amounts) if (amount > most) most = amount
  return most
}
