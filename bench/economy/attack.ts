import { params } from '../../deploy/params.ts'
import { BPS, burntFor, dynamicOf, type EmissionParams, partOf, points } from '../../sdk/protocol/emission.ts'

/**
 * What washing brings. A coalition pays itself through its own node over some epochs of honest demand, and is compared
 * with itself, neither washing nor overpaying. One HEU is worth one dollar, so that both are base units (1e-6); everything else is a ratio.
 */

export const EPOCHS = 6

/** What the rules are in a search: the shipped ones, or one of the mistakes that must show. */
export interface Rules {
  params: EmissionParams
  /** The burn that D is matched to is the mean of so many epochs; 1 = of the same epoch, as shipped. */
  window: number
  /** Whether a carried lot that is sold counts in D. */
  carriedCounts: boolean
  /** Whether base is shared by fee points, which can be bought, instead of probes. */
  purchasableBase: boolean
  /** Whether D is matched to all that was burnt, also for calls that burn more than others or have no points. */
  uncoveredCounts: boolean
}

/** One world and one strategy in it. Volumes are base units per epoch, parts are basis points. */
export interface Strategy {
  /** Honest volume of each epoch, by others. */
  honest: bigint[]
  /** Its part without a frontend, whose share burns; and its part whose nodes have no home, no record, no points. */
  bare: bigint
  pointless: bigint
  /** The coalition's own honest customers. */
  genuine: bigint
  /** What it washes. */
  wash: bigint[]
  /** What of a carried lot is sold in each epoch. */
  carried: bigint[]
  /** C - B and B of an epoch, base units. */
  room: bigint
  base: bigint
  /** Its part of the nodes' ballot; honest nodes use theirs as well as they can, times `skill`. */
  votes: bigint
  skill: bigint
  /** Roles that are its own: what is not leaves it. */
  node: boolean
  pod: boolean
  /** 0 = none: that share is burnt. 1 = a stranger's. 2 = its own. */
  frontend: 0 | 1 | 2
  /** Its part of the votes of its pod. */
  podVotes: bigint
  /** What of each burn comes back to it. */
  recovers: bigint
  /** What it pays for the burn lot, of its worth: more than 10,000 buys emission with an overpriced lot. */
  bid: bigint
}

const SHARES = {
  node: BigInt(params.nodeBps.value),
  pod: BigInt(params.podBps.value),
  frontend: BigInt(params.frontendBps.value),
  voters: BigInt(params.voterBps.value),
  protocol:
    BPS -
    BigInt(params.nodeBps.value + params.podBps.value + params.frontendBps.value + params.voterBps.value),
}

/** Of deploy/params.ts: what a deployment really gets. */
export const SHIPPED_PARAMS: EmissionParams = {
  capBps: BigInt(params.emissionCapBps.value),
  baseBps: BigInt(params.emissionBaseBps.value),
  lambdaBps: BigInt(params.emissionLambdaBps.value),
  betaBps: BigInt(params.emissionBetaBps.value),
  etaBps: BigInt(params.emissionEtaBps.value),
  quota: params.emissionQuota.value,
}

export const SHIPPED: Rules = {
  params: SHIPPED_PARAMS,
  window: 1,
  carriedCounts: false,
  purchasableBase: false,
  uncoveredCounts: false,
}

/** Base units that the coalition gains by washing, over all epochs: negative if it loses. */
export function profitOf(strategy: Strategy, rules: Rules): bigint {
  const still = strategy.wash.map(() => 0n)
  return outcome(strategy, strategy.wash, rules) - outcome({ ...strategy, bid: BPS }, still, rules)
}

/** Emission that it takes, less what it gives away. */
function outcome(strategy: Strategy, wash: readonly bigint[], rules: Rules): bigint {
  let kept = 0n
  const first = strategy.honest[0] ?? 0n
  let lastUnits = first - part(first, strategy.pointless) + strategy.genuine
  const burns: bigint[] = []
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    const [honest = 0n, own = 0n] = [strategy.honest[epoch], wash[epoch]]
    const volume = honest + strategy.genuine + own
    const bare = part(honest, strategy.bare) + (strategy.frontend === 0 ? own : 0n)
    const lot = part(volume, SHARES.protocol) + part(bare, SHARES.frontend)
    // It overpays the whole lot: what of the HEU exceeds the lot's worth is its loss.
    const overpaid = part(lot, strategy.bid - BPS)
    const burnt = lot + overpaid
    const counted = honest - part(honest, strategy.pointless)
    const units = counted + strategy.genuine + own
    const covered = rules.uncoveredCounts ? burnt : burntFor(burnt, lot, units, SHARES.protocol)
    burns.push(rules.carriedCounts ? covered + (strategy.carried[epoch] ?? 0n) : covered)
    const paid = { own: strategy.genuine + own, honest: counted, lastUnits, burns }
    kept +=
      emissionOf(strategy, rules, paid) - leak(strategy, own) - overpaid + part(burnt, strategy.recovers)
    lastUnits = units
  }
  return kept
}

/** What its node is issued. */
function emissionOf(
  { votes, skill, room, base }: Strategy,
  { params, window, purchasableBase }: Rules,
  {
    own,
    honest,
    lastUnits,
    burns,
  }: { own: bigint; honest: bigint; lastUnits: bigint; burns: readonly bigint[] },
): bigint {
  const boost = { betaBps: params.betaBps, lastUnits, total: BPS }
  const mine = points(own, { ...boost, weight: votes })
  const theirs = points(honest, { ...boost, weight: part(BPS - votes, skill) })
  if (mine + theirs === 0n) return 0n
  const recent = burns.slice(-window)
  const matched = recent.reduce((sum, burn) => sum + burn, 0n) / BigInt(recent.length)
  const dynamic = dynamicOf(room, params.lambdaBps, matched)
  return partOf(dynamic + (purchasableBase ? base : 0n), mine, mine + theirs)
}

/** What of a washed volume does not come back to it. */
function leak({ node, pod, frontend, podVotes }: Strategy, own: bigint): bigint {
  const back =
    (node ? part(own, SHARES.node) : 0n) +
    (pod ? part(own, SHARES.pod) : 0n) +
    (frontend === 2 ? part(own, SHARES.frontend) : 0n) +
    (pod ? part(part(own, SHARES.voters), podVotes) : 0n)
  return own - back
}

export const part = (amount: bigint, bps: bigint): bigint => (amount * bps) / BPS
