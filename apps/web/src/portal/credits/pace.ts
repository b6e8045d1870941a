import { formatUsd } from '../../../../../sdk/units.ts'
import type { Day } from '../../session/spend.ts'

/** How fast credit goes, how long it lasts so, and the days as a file. Pure; amounts in base units. */

/** Days with calls that the pace is taken from. */
const PACE_DAYS = 7
const LONGEST_DAYS = 365n
const DAY_MS = 86_400_000

export interface Pace {
  /** Days with calls that it is of. */
  days: number
  /** What goes each day, rounded up. */
  daily: bigint
  /** The day on which the credit ends, `2026-12-12`; undefined: later than in a year. */
  until?: string
}

/**
 * The last days with calls, spread over all days from the first of them to today: days without a call count too.
 *
 * @param days   Oldest first.
 * @param today  `2026-11-26`.
 * @returns Nothing where nothing is spent or nothing is left.
 */
export function paceOf(days: readonly Day[], left: bigint, today: string): Pace | undefined {
  const last = days.slice(-PACE_DAYS)
  const charged = last.reduce((sum, day) => sum + day.charged, 0n)
  const [first] = last
  if (!first || charged === 0n || left <= 0n) return undefined
  // A clock that was set back makes no negative days.
  const span = BigInt(Math.max(last.length, 1 + (timeOf(today) - timeOf(first.day)) / DAY_MS))
  const more = (left * span) / charged
  const pace = { days: last.length, daily: (charged + span - 1n) / span }
  if (more > LONGEST_DAYS) return pace
  const until = new Date(timeOf(today) + Number(more) * DAY_MS).toISOString().slice(0, 10)
  return { ...pace, until }
}

/** A day's begin as if it were of UTC: such days are all equally long. */
const timeOf = (day: string): number => Date.parse(`${day}T00:00:00Z`)

export function paceWords({ days, daily, until }: Pace): string {
  const of = days === 1 ? 'last day' : `last ${days} days`
  const date = until && new Date(until).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
  const lasts = date === undefined ? 'for more than a year' : `until ${date}`
  return `At the pace of the ${of} with calls, $${formatUsd(daily)} a day, the key’s credit lasts ${lasts}.`
}

/** @source RFC 4180: its lines end with CR and LF. No field holds a comma or a quote. */
export const csvOf = (days: readonly Day[]): string =>
  ['day,calls,charged_usd', ...days.map(({ day, calls, charged }) => `${day},${calls},${formatUsd(charged)}`)]
    .map((line) => `${line}\r\n`)
    .join('')
