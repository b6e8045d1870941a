import type { Role } from './messages.ts'

/** Ten thousand basis points make the whole. */
export const BPS = 10_000n

/** Shares of gross in basis points; the protocol's part is whatever is not credited to these. */
export type SplitBps = Record<Role, number>

/** How one price is shared, base units. The five always sum to the price. */
export interface Split extends Record<Role, bigint> {
  /**
   * Burnt: gross minus everything credited, exactly. Of one job it may be a few units below zero (never under -3): each
   * of the other four may get one unit that the floors of earlier jobs had left here.
   */
  protocol: bigint
}

/** Cumulative gross per payee after the job, as a leaf carries it; a missing frontend has none. */
export interface GrossAfter {
  node: bigint
  pod: bigint
  frontend: bigint
}

const share = (gross: bigint, bps: number): bigint => (gross * BigInt(bps)) / BPS

/**
 * What one job adds to each payee. Shares are floored on cumulative totals, so dust never builds up per job:
 * a job's share is the difference of two floors.
 *
 * @param after  Cumulative gross of the job's node, pod and frontend at this router, this job included.
 * @param roles  Which roles exist: without a frontend, or without pod voters, that share is burnt.
 * @source DESIGN §4 (Settlement); `ComputeLedger._share` is the same formula.
 */
export function splitOf(
  price: bigint,
  after: GrossAfter,
  bps: SplitBps,
  roles: { frontend: boolean; voters: boolean },
): Split {
  const added = (gross: bigint, role: Role) => share(gross, bps[role]) - share(gross - price, bps[role])
  const node = added(after.node, 'node')
  const pod = added(after.pod, 'pod')
  const frontend = roles.frontend ? added(after.frontend, 'frontend') : 0n
  const voters = roles.voters ? added(after.pod, 'voters') : 0n
  return { node, pod, frontend, voters, protocol: price - node - pod - frontend - voters }
}
