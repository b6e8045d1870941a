/**
 * How far a node trusts a router: pure. Amounts are base units; gross is before the split, a share is the node's part.
 */

/** What the chain said last. */
export interface Covered {
  /** `RouterBond.coverOf`: the share that a claim on the bond would pay, in this epoch or the next. 0 if the router may not
   * route or is leaving. */
  cap: bigint
  /** The node's share of its gross, basis points. */
  bps: number
  /** The node's gross that the router has settled. */
  settled: bigint
}

/** The node's own reckoning of its work for this router. */
export interface Worked {
  /** Prices of all receipts that the router said it charged, since this store began. */
  charged: bigint
  /** The same, ten minutes ago: what a Statement of now must know of. */
  chargedBefore: bigint
  /** The same, a day ago: what the router should have settled by now, and what can be filed if it has not. */
  chargedDayBefore: bigint
  /** Prices of the last day's receipts that the router has and did not charge. Most are calls that clients left. */
  uncharged: bigint
  /** Prices of the receipts that the router has said nothing about and may still charge. */
  unanswered: bigint
}

/** The newest Statement of the router, and where it and this store began to count together. */
export interface Stated {
  gross: bigint
  /** Where they count from: the Statement knew of `gross` when the store knew of `charged`. */
  from: Met
  /** The same, as it was known a day ago; undefined if nothing was. */
  fromDayBefore: Met | undefined
}

export interface Met {
  gross: bigint
  charged: bigint
}

/** Where a store and a router count from. Whoever keeps it keeps it with the sums of the store. */
export interface Counted {
  from: Met
  /** The same, as it was known an hour apart, oldest first; the first may be a day old. `at`: Unix milliseconds. */
  marks: readonly (Met & { at: number })[]
}

export interface View {
  /** Undefined before the chain was read for the first time. */
  covered: Covered | undefined
  stated: Stated | undefined
  worked: Worked
}

export type Stop = 'router_stopped' | 'statement_behind' | 'unposted' | 'limit'

export interface Verdict {
  /** Why the node takes no new call of this router; undefined if it does. */
  stop: Stop | undefined
  /** Its gross that is not settled, as far as anybody knows. */
  unposted: bigint
  /** Its share of that. */
  share: bigint
  cap: bigint
}

/** What a node risks before it could ask the chain for the first time: ten cents. */
export const ON_TRUST = 100_000n
const WHOLE_BPS = 10_000n
/** Before anybody has said what the share is, all of it counts. */
const ALL_BPS = 10_000

/**
 * Whether the node goes on serving: its client stops when its unposted share reaches what the bond would pay, when the
 * newest Statement does not know of work that was charged ten minutes ago, when work of a day ago is not settled, and when the
 * router may not settle at all.
 *
 * @source DESIGN §4 (Settlement)
 */
export function decide({ covered, stated, worked }: View): Verdict {
  const { cap, bps, settled } = covered ?? { cap: ON_TRUST, bps: ALL_BPS, settled: 0n }
  const expected = (charged: bigint, from = stated?.from) =>
    from ? from.gross + charged - from.charged : charged
  const owed = most(stated?.gross ?? 0n, expected(worked.charged))
  const unposted = most(owed - settled, 0n) + worked.uncharged + worked.unanswered
  const share = (unposted * BigInt(bps)) / WHOLE_BPS
  const figures = { unposted, share, cap }
  if (covered && cap === 0n) return { stop: 'router_stopped', ...figures }
  if (stated && stated.gross < expected(worked.chargedBefore)) return { stop: 'statement_behind', ...figures }
  if (!stated && covered && worked.chargedBefore > 0n) return { stop: 'statement_behind', ...figures }
  if (covered && stated?.fromDayBefore && settled < expected(worked.chargedDayBefore, stated.fromDayBefore))
    return { stop: 'unposted', ...figures }
  return { stop: share >= cap ? 'limit' : undefined, ...figures }
}

const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
