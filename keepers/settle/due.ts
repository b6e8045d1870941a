import type { SettleLimits } from '../router/config.ts'
import { gasOf, type Waiting } from './waiting.ts'

/** Why a batch is posted now. */
export type Due = 'full' | 'worth' | 'large' | 'daily' | 'voucher' | 'cover'

export type DueLimits = Pick<
  SettleLimits,
  | 'maxAgeMs'
  | 'maxLeaves'
  | 'worthGas'
  | 'gasTokenPrice'
  | 'largePayee'
  | 'largeMs'
  | 'dailyMs'
  | 'expiryMs'
  | 'coverBps'
>

export interface DueFacts {
  nowMs: number
  limits: DueLimits
  waiting: Waiting
  /** Wei per gas. */
  gasPrice: bigint
  /** Earliest expiry among the vouchers of what waits, Unix seconds. */
  expiry: number | undefined
  /** What nodes' unposted work is covered for, base units of their share, and that share. */
  covers: ReadonlyMap<number, bigint>
  nodeBps: bigint
}

const WEI = 10n ** 18n
const BPS = 10_000n

/**
 * Whether a batch is posted, and why. Pure.
 *
 * Order is kept: a batch takes the oldest receipts, so that every published total follows from the ones before it. Dust
 * of thousands of frontends therefore costs its lines when its receipts' turn comes; how often that is, is bounded by
 * `large` (4 h, only if some payee has a dollar), `worth` (only if the gross is ten times the gas of all those lines) and
 * else by the day.
 */
export function dueOf(facts: DueFacts): Due | undefined {
  const { nowMs, limits, waiting, expiry } = facts
  if (waiting.leaves === 0) return undefined
  const ageMs = nowMs - waiting.oldestAt
  if (ageMs >= limits.dailyMs) return 'daily'
  if (expiry !== undefined && expiry * 1000 - nowMs <= limits.expiryMs) return 'voucher'
  if (someoneLarge(facts)) return 'large'
  if (!isWorthIt(facts)) return undefined
  if (waiting.leaves >= limits.maxLeaves) return 'full'
  if (ageMs >= limits.maxAgeMs) return 'worth'
  return someoneUncovered(facts) ? 'cover' : undefined
}

function someoneLarge({ nowMs, limits, waiting }: DueFacts): boolean {
  for (const { gross, oldestAt } of waiting.payees.values()) {
    if (gross >= limits.largePayee && nowMs - oldestAt >= limits.largeMs) return true
  }
  return false
}

/** A node that is not covered for more stops serving this router. */
function someoneUncovered({ limits, waiting, covers, nodeBps }: DueFacts): boolean {
  for (const [node, cover] of covers) {
    const gross = waiting.payees.get(`node ${node}`)?.gross ?? 0n
    if (gross > 0n && (gross * nodeBps) / BPS >= (cover * BigInt(limits.coverBps)) / BPS) return true
  }
  return false
}

function isWorthIt({ limits, waiting, gasPrice }: DueFacts): boolean {
  const cost = (gasOf(waiting) * gasPrice * limits.gasTokenPrice) / WEI
  return waiting.gross >= cost * BigInt(limits.worthGas)
}
