import { openAllowance } from './allowance.ts'

/**
 * Who may have deposits relayed, and how many. Gas is spent on what the chain would take, so only that counts; what it
 * refuses costs a read, and is held to a pace.
 */

/** One household may have so many deposits an hour carried, and have so many a minute tried out in vain. */
const MOST_AN_HOUR = 12
const MOST_VAIN_A_MINUTE = 10
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

interface Terms {
  /** So many a day are carried, whoever asks. */
  mostADay: number
  now(): number
}

/** A try that counts as vain until one of these is called. */
export interface Try {
  /**
   * The chain would take it: it counts as one that is carried.
   *
   * @returns gives that back, for one that was not carried after all.
   * @throws `rate.limited` (later); the try stays a vain one.
   */
  carry(): () => void
  /** Nobody is to blame for its failure: it counts for nothing. */
  forget(): void
}

export function openTries({ mostADay, now }: Terms) {
  const vain = openAllowance({ most: MOST_VAIN_A_MINUTE, windowMs: MINUTE_MS, now })
  const household = openAllowance({ most: MOST_AN_HOUR, windowMs: HOUR_MS, now })
  const everybody = openAllowance({ most: mostADay, windowMs: 24 * HOUR_MS, now })
  return {
    /** Before anything is asked of the chain. @throws `rate.limited` (later). */
    begin(address: string): Try {
      const forget = vain.take(address)
      return {
        forget,
        carry() {
          const mine = household.take(address)
          try {
            const all = everybody.take('')
            forget()
            return () => {
              mine()
              all()
            }
          } catch (cause) {
            mine()
            throw cause
          }
        },
      }
    },
  }
}
