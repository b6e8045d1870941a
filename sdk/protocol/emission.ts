/**
 * The formulas of the economy, rounded as the contracts round them: the twin of contracts/libraries/{Powers,Streams,
 * Emissions,Prices}.sol and of `Lens.capacity`, held equal to the wei by `test/economy/`. HEU in wei, fees in base units of
 * the payment asset, weights in token-weeks, epochs absolute.
 */

export const BPS = 10_000n
export const EPOCHS_PER_YEAR = 52n
/** What of a burn may come back to whoever caused it. Basis points. */
export const RECOVERABLE_BPS = 2_500n
/** HEU that was minted once. Wei. */
export const HEU_SUPPLY = 1_000_000_000n * 10n ** 18n
/** Below this weight a target's reward has nobody to go to: one HEU for one epoch. */
export const LEAST_WEIGHT = 10n ** 18n
/** Points are units with 64 binary places. */
const POINT = 1n << 64n
/** Running sums have 128. */
const SUM = 1n << 128n

/** `IEmissionController.Params`. Basis points, except `quota`: probe units per whole HEU of counted stake. */
export interface EmissionParams {
  capBps: bigint
  baseBps: bigint
  lambdaBps: bigint
  betaBps: bigint
  etaBps: bigint
  quota: bigint
}

// -------------------------------------------------------------------------------------------------------- weights

/** Token-weeks of `amount` locked until `end` in `epoch`. */
export const power = (amount: bigint, end: number, epoch: number): bigint =>
  epoch < end ? amount * BigInt(end - epoch) : 0n

/** What a reward adds to the two running sums of its target: A rounded down, B up. */
export function rewardSums(reward: bigint, epoch: number, weight: bigint): { a: bigint; b: bigint } {
  return { a: (reward * SUM) / weight, b: ceilDiv(reward * BigInt(epoch) * SUM, weight) }
}

/** A vote's part of what two differences of the sums say, in 2^-128 units of the reward; add up, then shift by 128. */
export function rewardShare(amount: bigint, end: number, a: bigint, b: bigint): bigint {
  const rest = BigInt(end) * a - b
  return rest > 0n ? amount * rest : 0n
}

// ------------------------------------------------------------------------------------------------------- emission

/** A yearly rate of the supply for one epoch. Wei. */
export const perEpoch = (bps: bigint, supply: bigint = HEU_SUPPLY): bigint =>
  (supply * bps) / BPS / EPOCHS_PER_YEAR

/** Whether no wash trade can pay under these parameters: lambda * beta <= 1 - RECOVERABLE. */
export const washingLoses = ({
  lambdaBps,
  betaBps,
}: Pick<EmissionParams, 'lambdaBps' | 'betaBps'>): boolean =>
  lambdaBps * betaBps <= (BPS - RECOVERABLE_BPS) * BPS

/** What a node has behind its units. */
export interface Boost {
  betaBps: bigint
  /** Units of the whole pool in the epoch before. */
  lastUnits: bigint
  /** Of the node. */
  weight: bigint
  /** Of its ballot. */
  total: bigint
}

/** `u + min((beta - 1) u, (beta - 1) U' W_n / W)`, with 64 binary places. */
export function points(units: bigint, { betaBps, lastUnits, weight, total }: Boost): bigint {
  const whole = units * POINT
  if (weight === 0n || total === 0n) return whole
  const extra = betaBps - BPS
  const budget = (lastUnits * extra * POINT * weight) / (total * BPS)
  return whole + least((units * extra * POINT) / BPS, budget)
}

/** Probe units that count at most for `stake` wei. */
export const quotaOf = (stake: bigint, quota: bigint): bigint => (stake * quota) / 10n ** 18n

/**
 * What of the base an epoch issues.
 *
 * @param shared  Sum of base points.
 * @param quotas  Quota of all stake together, probe units.
 */
export function baseOf(base: bigint, shared: bigint, quotas: bigint, etaBps: bigint): bigint {
  if (shared === 0n) return 0n
  return (base * shared) / most(shared, (quotas * POINT * etaBps) / BPS)
}

/**
 * What of a lot's burn the fees of `units` paid for, if every unit paid the protocol's own share and no more: calls without a
 * frontend burn more, and calls that nobody records have no points. Wei; at most `burnt`.
 *
 * @param lot  Base units that were sold for `burnt`.
 * @param protocolBps  The least that any unit burns.
 */
export function burntFor(burnt: bigint, lot: bigint, units: bigint, protocolBps: bigint): bigint {
  const fee = (units * protocolBps) / BPS
  return fee >= lot ? burnt : (burnt * fee) / lot
}

/** The dynamic part: matched to the burn of the same epoch, within the room that the cap leaves. */
export const dynamicOf = (room: bigint, lambdaBps: bigint, burnt: bigint): bigint =>
  least(room, (burnt * lambdaBps) / BPS)

/**
 * What one epoch issues, wei: never more than its cap, never more than the reserve.
 *
 * @param seen.burnt  For the fees of recorded units: {@link burntFor}.
 */
export function issue(
  { capBps, baseBps, lambdaBps, etaBps, quota }: EmissionParams,
  seen: { basePoints: bigint; feePoints: bigint; stake: bigint; burnt: bigint; reserve: bigint },
): { base: bigint; dynamic: bigint; kept: bigint } {
  const [cap, whole] = [perEpoch(capBps), perEpoch(baseBps)]
  const base = least(seen.reserve, baseOf(whole, seen.basePoints, quotaOf(seen.stake, quota), etaBps))
  const matched = seen.feePoints === 0n ? 0n : dynamicOf(cap - whole, lambdaBps, seen.burnt)
  const dynamic = least(seen.reserve - base, matched)
  return { base, dynamic, kept: cap - base - dynamic }
}

/** A node's part of a pool, rounded down. */
export const partOf = (issued: bigint, own: bigint, all: bigint): bigint =>
  issued === 0n ? 0n : (issued * own) / all

/** The voters' part of a node's emission: none if they have too little weight to be paid. */
export const tipOf = (emission: bigint, tipBps: bigint, weight: bigint): bigint =>
  weight < LEAST_WEIGHT ? 0n : (emission * tipBps) / BPS

// ----------------------------------------------------------------------------------------------------- the auction

/** Prices that are remembered. */
export const PRICE_MEMORY = 8

/** `start` after `elapsed` seconds: half of it after each `halving`, falling evenly within; at least 1. */
export function fallingPrice(start: bigint, elapsed: bigint, halving: bigint): bigint {
  const price = start >> (elapsed / halving)
  const now = price - (price * (elapsed % halving)) / (2n * halving)
  return now === 0n ? 1n : now
}

/** The lower of the middle ones of the last eight; 0 for none. */
export function medianPrice(prices: readonly bigint[]): bigint {
  const sorted = prices.slice(-PRICE_MEMORY).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0n
}

/** Wei of HEU for `amount` base units at `price` per whole unit, rounded up. */
export const lotCost = (amount: bigint, price: bigint): bigint => ceilDiv(amount * price, 1_000_000n)

// --------------------------------------------------------------------------------------------------------- private

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b
