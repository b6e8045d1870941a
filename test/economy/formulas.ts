/**
 * The formulas of docs/protocol.md once more, as plainly as they are written there, for tests to expect things from:
 * every vote and every node is looked at, nothing is accumulated, and no line is taken from the contracts or the sdk.
 */

export const BPS = 10_000n
const ONE = 1n << 64n

export interface Vote {
  voter: string
  target: number
  /** HEU wei. */
  amount: bigint
  /** First epoch without power. */
  end: number
  /** First epoch in which it binds. */
  from: number
}

export interface Rules {
  supply: bigint
  capBps: bigint
  baseBps: bigint
  lambdaBps: bigint
  betaBps: bigint
  etaBps: bigint
}

export const powerOf = ({ amount, end, from }: Vote, epoch: number): bigint =>
  epoch >= from && epoch < end ? amount * BigInt(end - epoch) : 0n

export const weightOf = (votes: readonly Vote[], epoch: number, target?: number): bigint =>
  sum(
    votes
      .filter((vote) => target === undefined || vote.target === target)
      .map((vote) => powerOf(vote, epoch)),
  )

/** @param before  Units of the whole pool in the epoch before. */
export function pointsOf(
  units: bigint,
  weight: bigint,
  total: bigint,
  before: bigint,
  { betaBps }: Rules,
): bigint {
  const boost = betaBps - BPS
  if (weight === 0n || total === 0n) return units * ONE
  const budget = (before * boost * ONE * weight) / (total * BPS)
  return units * ONE + least((units * boost * ONE) / BPS, budget)
}

export const perEpoch = (supply: bigint, bps: bigint): bigint => (supply * bps) / BPS / 52n

/** What an epoch issues to answered probes: all of the base if eta of the quotas answered. */
export function baseOf(points: bigint, quotas: bigint, { supply, baseBps, etaBps }: Rules): bigint {
  const needed = (quotas * ONE * etaBps) / BPS
  const shared = points > needed ? points : needed
  return shared === 0n ? 0n : (perEpoch(supply, baseBps) * points) / shared
}

/** What an epoch issues for fees, if any node has points. */
export const dynamicOf = (burnt: bigint, { supply, capBps, baseBps, lambdaBps }: Rules): bigint =>
  least(perEpoch(supply, capBps) - perEpoch(supply, baseBps), (burnt * lambdaBps) / BPS)

export const partOf = (whole: bigint, part: bigint, of: bigint): bigint =>
  of === 0n ? 0n : (whole * part) / of

export const sum = (amounts: readonly bigint[]): bigint =>
  amounts.reduce((total, amount) => total + amount, 0n)
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
