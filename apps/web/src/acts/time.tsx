import { startOf } from '../../../../sdk/protocol/epochs.ts'
import { useBeat } from './scene.ts'

/** Seconds as a person counts them down. */
export function countdown(seconds: number): string {
  if (seconds <= 0) return 'now'
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'min'],
  ] as const
  const shown = parts.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount} ${unit}`)
  return shown.length === 0 ? `${Math.floor(seconds)} s` : shown.join(' ')
}

/** How long until a second of the chain's clock. */
export function Until({ at }: { at: number }) {
  const { clock } = useBeat()
  if (!clock) return null
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={dateOf(at)} className="whitespace-nowrap">
      {at <= clock.now ? 'now' : `in ${countdown(at - clock.now)}`}
    </time>
  )
}

export const dateOf = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })

export const epochDate = (epoch: number): string =>
  new Date(startOf(epoch) * 1000).toLocaleDateString('en', { dateStyle: 'medium', timeZone: 'UTC' })

/** Where the present epoch stands. */
export function EpochClock() {
  const { clock } = useBeat()
  if (!clock) return null
  return (
    <p className="label" data-figure="epoch" data-value={clock.epoch}>
      epoch {clock.epoch}, the next one begins <Until at={clock.endsAt} />
    </p>
  )
}
