import { later } from '../../../sdk/errors.ts'
import { householdOf } from '../../../sdk/household.ts'

/** So many addresses are remembered; the one that was longest silent is forgotten first. */
const MOST_ADDRESSES = 20_000

export interface Terms {
  /** So many acts by one address within the window. */
  most: number
  windowMs: number
  now(): number
}

/** Counts acts of an address in a sliding window. Kept in memory: a restart forgets. */
export function openAllowance({ most, windowMs, now }: Terms) {
  const acts = new Map<string, number[]>()
  return {
    /**
     * @returns gives this act back, so that it counts for nothing.
     * @throws `rate.limited` (later) with `retryAfterSeconds`.
     */
    take(address: string): () => void {
      const who = householdOf(address)
      const at = now()
      const recent = (acts.get(who) ?? []).filter((each) => at - each < windowMs)
      acts.delete(who)
      acts.set(who, recent)
      if (recent.length >= most) {
        const seconds = Math.max(1, Math.ceil(((recent[0] ?? at) + windowMs - at) / 1000))
        throw later('rate.limited', `${most} of these within ${spanOf(windowMs)} are the most`, {
          fix: `Try again in ${seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`}.`,
          details: { retryAfterSeconds: seconds },
        })
      }
      recent.push(at)
      const oldest = acts.size > MOST_ADDRESSES ? acts.keys().next().value : undefined
      if (oldest !== undefined) acts.delete(oldest)
      return () => {
        const kept = acts.get(who) ?? []
        const index = kept.indexOf(at)
        if (index >= 0) kept.splice(index, 1)
      }
    },
  }
}

const spanOf = (ms: number): string =>
  ms < 3_600_000 ? counted(Math.ceil(ms / 1000), 'second') : counted(ms / 3_600_000, 'hour')
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

export type Allowance = ReturnType<typeof openAllowance>
