import { formatHeu, formatUsd, HEU } from '../../../../sdk/units.ts'

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

/** HEU to the fourth decimal, rounded down; to the last wei in the title. */
export function Heu({ amount, className = '' }: { amount: bigint; className?: string }) {
  const exact = formatHeu(amount)
  const [whole = '0', decimals = ''] = exact.split('.')
  const short = decimals.slice(0, 4).replace(/0+$/, '')
  const shown = `${count(BigInt(whole))}${short === '' ? '' : `.${short}`}`
  const isTiny = amount > 0n && shown === '0'
  return (
    <span className={`figures whitespace-nowrap ${className}`} title={`${exact} HEU`}>
      {isTiny ? '< 0.0001' : shown} <span className="text-muted">HEU</span>
    </span>
  )
}

// A browser's first formatter takes as long as everything else of a page's start: each is made when it is used.
let ages: Intl.RelativeTimeFormat | undefined
let counts: Intl.NumberFormat | undefined
let percents: Intl.NumberFormat | undefined

function age(value: number, unit: Intl.RelativeTimeFormatUnit): string {
  ages ??= new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' })
  return ages.format(value, unit)
}

/** How long ago, in the largest unit that fits. */
export function Ago({ at, now }: { at: number; now: number }) {
  const seconds = Math.round((at - now) / 1000)
  const size = Math.abs(seconds)
  const text =
    size < 5
      ? 'now'
      : size < 60
        ? age(seconds, 'second')
        : size < 3600
          ? age(Math.round(seconds / 60), 'minute')
          : size < 86_400
            ? age(Math.round(seconds / 3600), 'hour')
            : age(Math.round(seconds / 86_400), 'day')
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

export function count(value: number | bigint): string {
  counts ??= new Intl.NumberFormat('en')
  return counts.format(value)
}

/** `1 call`, `2 calls`. @param many  Where it is not the word with an s. */
export const plural = (value: number | bigint, word: string, many = `${word}s`): string =>
  `${count(value)} ${BigInt(value) === 1n ? word : many}`

/** A part of one, as percent. */
export function percent(part: number): string {
  percents ??= new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })
  return percents.format(part)
}

/** How much something is multiplied. Thousandths: 1000 is 1x. */
export const Times = ({ by }: { by: bigint }) => (
  <span className="figures">
    ×{by / 1_000n}.{((by % 1_000n) / 10n).toString().padStart(2, '0')}
  </span>
)

/** Weight of votes: HEU times the weeks that it stays locked, rounded down. */
export const Weight = ({ amount }: { amount: bigint }) => (
  <span className="figures whitespace-nowrap" title={`${formatHeu(amount)} HEU × weeks`}>
    {count(amount / HEU)} <span className="text-muted">HEU-weeks</span>
  </span>
)
