import type { Duty } from '../duty.ts'
import type { SettleLimits } from '../router/config.ts'
import type { Ledger } from '../router/ledger/ledger.ts'
import type { Clock } from '../world.ts'

export interface ForgetDeps {
  ledger: Ledger
  clock: Clock
  limits: Pick<SettleLimits, 'keepMs' | 'keepDecisionsMs'>
}

export interface ForgetSeen {
  nowMs: number
  limits: ForgetDeps['limits']
  /** When this process last did it. Unix ms; 0 = never. */
  lastMs: number
}

/** Unix ms: what is older goes. */
export interface ForgetPlan {
  batchesBefore: number
  decisionsBefore: number
}

/** Often enough that nothing is kept for long beyond its time. */
const EVERY_MS = 3_600_000

/** Pure. */
export function decideForget({ nowMs, limits, lastMs }: ForgetSeen): ForgetPlan | undefined {
  if (nowMs - lastMs < EVERY_MS) return undefined
  return { batchesBefore: nowMs - limits.keepMs, decisionsBefore: nowMs - limits.keepDecisionsMs }
}

/** Prunes the journal of what nobody may ask for any more: batch data after its 30 days, explanations of choices. */
export function createForget(): Duty<ForgetSeen, ForgetPlan, ForgetDeps> {
  let lastMs = 0
  return {
    name: 'forget',
    observe: async ({ clock, limits }) => ({ nowMs: clock.nowMs(), limits, lastMs }),
    decide: decideForget,
    async act({ batchesBefore, decisionsBefore }, { ledger, clock }) {
      await ledger.commit([
        { op: 'batches.forgotten', before: batchesBefore },
        { op: 'decisions.forgotten', before: decisionsBefore },
      ])
      lastMs = clock.nowMs()
      return { batchesBefore, decisionsBefore }
    },
  }
}
