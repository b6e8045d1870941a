import { type HeuristError, refused } from '../../sdk/errors.ts'
import type { Limits } from './config.ts'
import { dayOf, type Work } from './work.ts'

const MINUTE_MS = 60_000

/** Whom a translation counts against. Outside servers `guild` is empty, and only the person counts. */
export interface Who {
  user: string
  guild: string
}

/** Keeps one person or one server from spending the operator's account. */
export interface Budget {
  /** Counts one translation. @throws `rate.user`, `rate.guild` (refused) past the share of a minute. */
  take(who: Who): void
  /**
   * Sets the most that a call can cost aside, before it is made.
   *
   * @returns Takes the price it came to, 0 for a call that failed.
   * @throws `budget.user`, `budget.guild`, `budget.day` (refused) if the day's dollars do not reach.
   */
  hold(who: Who, most: bigint): (price: bigint) => void
}

type Caps = Pick<Limits, 'userPerMinute' | 'guildPerMinute' | 'userPerDay' | 'guildPerDay' | 'perDay'>

export function openBudget(limits: Caps, work: Work, now: () => number = Date.now): Budget {
  const { take: takeShare, has } = openShares(now)

  return {
    take({ user, guild }) {
      const shares = [
        { name: `user ${user}`, perMinute: limits.userPerMinute, code: 'rate.user', who: 'You have' },
        {
          name: `guild ${guild}`,
          perMinute: limits.guildPerMinute,
          code: 'rate.guild',
          who: 'This server has',
        },
      ].slice(0, guild === '' ? 1 : 2)
      // Nobody's share is taken where the other one is used up.
      for (const { name, perMinute, code, who } of shares) {
        const waitMs = has(name, perMinute)
        if (waitMs > 0) throw busy(code, who, perMinute, waitMs)
      }
      for (const { name, perMinute } of shares) takeShare(name, perMinute)
    },
    hold({ user, guild }, most) {
      const day = dayOf(now())
      const reaches = (spent: bigint, cap: bigint) => spent + most <= cap
      if (!reaches(work.spentOn(day), limits.perDay)) throw spent('budget.day', 'This bot has')
      if (guild !== '' && !reaches(work.spentOn(day, { guild }), limits.guildPerDay))
        throw spent('budget.guild', 'This server has')
      if (!reaches(work.spentOn(day, { user }), limits.userPerDay)) throw spent('budget.user', 'You have')
      const id = work.hold({ day, guild, user, most })
      return (price) => work.close(id, price)
    },
  }
}

/** Buckets that fill evenly. */
function openShares(now: () => number) {
  const buckets = new Map<string, { left: number; at: number }>()
  let swept = now()

  const filled = (name: string, perMinute: number): number => {
    const { left, at } = buckets.get(name) ?? { left: perMinute, at: now() }
    return Math.min(perMinute, left + ((now() - at) * perMinute) / MINUTE_MS)
  }

  /** A bucket that is full again says nothing. */
  function sweep(): void {
    if (now() < swept + MINUTE_MS) return
    swept = now()
    for (const [name, { at }] of buckets) if (at < swept - MINUTE_MS) buckets.delete(name)
  }

  return {
    /** Milliseconds until there is one; 0 if there is. */
    has: (name: string, perMinute: number): number => {
      const missing = 1 - filled(name, perMinute)
      return missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / perMinute)
    },
    take: (name: string, perMinute: number): void => {
      sweep()
      buckets.set(name, { left: filled(name, perMinute) - 1, at: now() })
    },
  }
}

function busy(code: string, who: string, perMinute: number, waitMs: number): HeuristError {
  const seconds = Math.ceil(waitMs / 1_000)
  return refused(code, `${who} had ${perMinute} translations within a minute.`, {
    fix: `Ask again in ${seconds} s.`,
    details: { retryAfterSeconds: seconds },
  })
}

const spent = (code: string, who: string): HeuristError =>
  refused(code, `${who} used up what translations may cost in a day.`, {
    fix: 'The next day begins at 00:00 UTC.',
  })
