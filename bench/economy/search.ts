import { BPS } from '../../sdk/protocol/emission.ts'
import { EPOCHS, profitOf, type Rules, SHIPPED, SHIPPED_PARAMS, type Strategy } from './attack.ts'
import type { Draw } from './draw.ts'

/** Random points first, then hill climbs from the best of them. */

export interface Found {
  /** Base units gained per million base units washed: the profit rate in millionths. Negative: every strategy loses. */
  rate: number
  profit: bigint
  washed: bigint
  strategy: Strategy
  points: number
  climbs: number
}

export interface Effort {
  points: number
  climbs: number
  /** Steps of one climb. */
  steps: number
  /** Whether the first profit ends the search: it was to be found, and it was. */
  untilProfit?: boolean
}

/** What must be refuted, and what must be found. */
export const VARIANTS: Record<string, { rules: Rules; why: string }> = {
  shipped: { rules: SHIPPED, why: 'the parameters that a deployment has' },
  'lambda 0.41': {
    rules: { ...SHIPPED, params: { ...SHIPPED_PARAMS, lambdaBps: 4_100n } },
    why: 'lambda x beta = 1.025: a washed dollar earns more than the five cents that burn',
  },
  'beta 3': {
    rules: { ...SHIPPED, params: { ...SHIPPED_PARAMS, betaBps: 30_000n } },
    why: 'lambda x beta = 0.9 > 1 - 0.25: pays for whoever gets a quarter of the burn back',
  },
  'smoothed burn': {
    rules: { ...SHIPPED, window: 4 },
    why: 'matched to a mean of four epochs: wash a little after demand has stopped, take the rest of the mean',
  },
  'carried lot counts': {
    rules: { ...SHIPPED, carriedCounts: true },
    why: "another epoch's fees raise this one's emission: wash when they are sold",
  },
  'all burn counts': {
    rules: { ...SHIPPED, uncoveredCounts: true },
    why: 'matched to what others burn without points: calls without a frontend burn thrice as much as a washed one',
  },
  'purchasable base': {
    rules: { ...SHIPPED, purchasableBase: true },
    why: 'base shared by fees: volume buys what was meant for being there',
  },
}

/** The least part of all volume that counts as an attack. Basis points. */
const LEAST_WASH = 100n
const MILLION = 1_000_000
/** Of a part that is moved. */
const PRECISION = 1_000_000n

/** The best strategy that a search finds under the rules. Deterministic in `draw`. */
export function search(rules: Rules, draw: Draw, effort: Effort): Found {
  const keep = 32
  let best: { strategy: Strategy; rate: number }[] = []
  let [tried, climbed] = [0, 0]
  for (let count = 0; count < effort.points; count += 1) {
    const strategy = drawStrategy(draw)
    const rate = rateOf(strategy, rules)
    const worst = best.at(-1)
    if (best.length < keep || (worst && rate > worst.rate)) {
      best = [...best, { strategy, rate }].sort((a, b) => b.rate - a.rate).slice(0, keep)
    }
    tried += 1
    if (effort.untilProfit && rate > 0) break
  }
  let top = best[0] as { strategy: Strategy; rate: number }
  for (let climb = 0; climb < effort.climbs && !(effort.untilProfit && top.rate > 0); climb += 1) {
    climbed += 1
    const start = best[climb % best.length] as { strategy: Strategy; rate: number }
    const reached = hillClimb(start, rules, draw, effort.steps)
    if (reached.rate > top.rate) top = reached
  }
  const { strategy, rate } = top
  const washed = sum(strategy.wash)
  return { rate, profit: profitOf(strategy, rules), washed, strategy, points: tried, climbs: climbed }
}

/** Millionths of a washed unit. */
function rateOf(strategy: Strategy, rules: Rules): number {
  return Number((profitOf(strategy, rules) * BigInt(MILLION * 1_000)) / sum(strategy.wash)) / 1_000
}

function hillClimb(
  start: { strategy: Strategy; rate: number },
  rules: Rules,
  draw: Draw,
  steps: number,
): { strategy: Strategy; rate: number } {
  let at = start
  for (let step = 0; step < steps; step += 1) {
    const strategy = nudge(at.strategy, draw, step > steps / 2 ? 50n : 1_000n)
    const rate = rateOf(strategy, rules)
    if (rate > at.rate) at = { strategy, rate }
  }
  return at
}

/** Worlds from dust to billions, steady, shaken and dying; strategies from a single role to all of them. */
function drawStrategy(draw: Draw): Strategy {
  const scale = 10n ** BigInt(7 + draw.below(8))
  const some = () => (scale * BigInt(draw.below(10_000))) / 10_000n
  const stop = draw.below(3) === 0 ? draw.below(EPOCHS) : EPOCHS
  const honest = Array.from({ length: EPOCHS }, (_, epoch) => (epoch < stop ? some() : 0n))
  const active = draw.below(EPOCHS)
  const shape = draw.below(3)
  const part = BigInt(draw.below(2_000))
  const wash = honest.map((volume, epoch) => {
    if (shape === 0) return (volume * part) / BPS
    return shape === 1 || epoch === active ? some() : 0n
  })
  return legal({
    honest,
    bare: draw.below(2) === 0 ? 0n : BigInt(draw.below(10_001)),
    pointless: draw.below(2) === 0 ? 0n : BigInt(draw.below(10_001)),
    genuine: draw.below(2) === 0 ? 0n : some() / 10n,
    wash,
    carried: honest.map(() => (draw.below(3) === 0 ? some() / 20n : 0n)),
    room: (some() * BigInt(1 + draw.below(100))) / 20n,
    base: (some() * BigInt(1 + draw.below(100))) / 50n,
    votes: BigInt(draw.below(10_001)),
    skill: BigInt(draw.below(10_001)),
    node: draw.below(8) !== 0,
    pod: draw.below(8) !== 0,
    frontend: (['0', '1', '2', '2', '2', '2'].map(Number)[draw.below(6)] ?? 2) as 0 | 1 | 2,
    podVotes: draw.below(2) === 0 ? BPS : BigInt(draw.below(10_001)),
    recovers: draw.below(2) === 0 ? 2_500n : BigInt(draw.below(2_501)),
    bid: draw.below(3) === 0 ? BPS + BigInt(draw.below(30_000)) : BPS,
  })
}

const FREE = ['genuine', 'room', 'base'] as const
const PARTS = ['votes', 'skill', 'podVotes', 'bare', 'pointless'] as const

/** A step in a few directions at once. `size` is basis points of what moves. */
function nudge(strategy: Strategy, draw: Draw, size: bigint): Strategy {
  const next: Strategy = {
    ...strategy,
    honest: [...strategy.honest],
    wash: [...strategy.wash],
    carried: [...strategy.carried],
  }
  const moved = (amount: bigint): bigint => {
    const change = (amount * BigInt(draw.below(Number(2n * size) + 1))) / BPS - (amount * size) / BPS
    return amount + change > 0n ? amount + change : 0n
  }
  for (let moves = 1 + draw.below(3); moves > 0; moves -= 1) {
    const epoch = draw.below(EPOCHS)
    const which = draw.below(12)
    if (which < 3) next.wash[epoch] = draw.below(10) === 0 ? 0n : moved(next.wash[epoch] ?? 0n)
    else if (which < 5) next.honest[epoch] = draw.below(10) === 0 ? 0n : moved(next.honest[epoch] ?? 0n)
    else if (which === 5) next.carried[epoch] = moved(next.carried[epoch] ?? 0n)
    else if (which === 6) {
      const name = FREE[draw.below(FREE.length)] ?? 'room'
      next[name] = moved(next[name])
    } else if (which === 7) {
      const name = PARTS[draw.below(PARTS.length)] ?? 'votes'
      next[name] = between(next[name] + BigInt(draw.below(2_001)) - 1_000n, 0n, BPS)
    } else if (which === 8)
      next.recovers = between(next.recovers + BigInt(draw.below(501)) - 250n, 0n, 2_500n)
    else if (which === 9) next.wash = inProportion(next, moved(PRECISION) - PRECISION)
    else if (which === 10) next.honest = Array(EPOCHS).fill(moved(next.honest[epoch] ?? 0n))
    else next.bid = between(next.bid + BigInt(draw.below(1_001)) - 500n, BPS, 80_000n)
  }
  return legal(next)
}

/**
 * The same part of every epoch's honest volume: what each epoch issues depends on both, so that washing evenly is a
 * valley that no step of a single epoch stays in.
 *
 * @param change  Of that part, in `PRECISION`.
 */
function inProportion({ honest, wash }: Strategy, change: bigint): bigint[] {
  const volume = sum(honest)
  if (volume === 0n) return wash
  const amount = (sum(wash) * (PRECISION + change)) / PRECISION
  return honest.map((one) => (one * amount) / volume)
}

/** An attack washes at least one percent of all volume. */
function legal(strategy: Strategy): Strategy {
  const others = sum(strategy.honest) + strategy.genuine * BigInt(EPOCHS)
  const least = (others * LEAST_WASH) / (BPS - LEAST_WASH) + 10_000n
  const washed = sum(strategy.wash)
  if (washed >= least) return strategy
  const at = Math.max(
    0,
    strategy.wash.findIndex((amount) => amount > 0n),
  )
  const wash = strategy.wash.map((amount, index) => (index === at ? amount + least - washed : amount))
  return { ...strategy, wash }
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)
const between = (value: bigint, low: bigint, high: bigint): bigint =>
  value < low ? low : value > high ? high : value
