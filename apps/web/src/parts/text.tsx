import { formatUsd } from '../../../../sdk/units.ts'

/** First and last digits of a hash or an address; the whole one is in the title and for screen readers. */
export function Short({ hex, className = '' }: { hex: string; className?: string }) {
  const short = hex.length > 14 ? `${hex.slice(0, 6)}…${hex.slice(-4)}` : hex
  return (
    <span className={`font-mono text-[0.86em] whitespace-nowrap ${className}`} title={hex}>
      {short}
    </span>
  )
}

/** Dollars with all six decimals, the leading zeros quiet, so that small prices line up and can be read. */
export function Usd({ amount, className = '' }: { amount: bigint; className?: string }) {
  const text = formatUsd(amount)
  const quiet = /^0\.0*/.exec(text)?.[0] ?? ''
  const loud = text.slice(quiet.length)
  return (
    <span className={`figures whitespace-nowrap ${className}`}>
      <span className="text-muted">${loud === '' ? text : quiet}</span>
      {loud}
    </span>
  )
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' })

/** How long ago, in the largest unit that fits. */
export function Ago({ at, now }: { at: number; now: number }) {
  const seconds = Math.round((at - now) / 1000)
  const size = Math.abs(seconds)
  const text =
    size < 5
      ? 'now'
      : size < 60
        ? relative.format(seconds, 'second')
        : size < 3600
          ? relative.format(Math.round(seconds / 60), 'minute')
          : size < 86_400
            ? relative.format(Math.round(seconds / 3600), 'hour')
            : relative.format(Math.round(seconds / 86_400), 'day')
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={new Date(at).toLocaleString('en')}
      className="whitespace-nowrap"
    >
      {text}
    </time>
  )
}

const counts = new Intl.NumberFormat('en')
export const count = (value: number | bigint): string => counts.format(value)
