import type { ReactNode } from 'react'
import { formatHeu, formatUsd } from '../../../../sdk/units.ts'
import { count } from '../parts/text.tsx'

/** Decimals of HEU that a figure shows, rounded down: never more than there is. The whole of it is in the title. */
const DECIMALS = 4

/** HEU, or token-weeks of it. Wei. */
export function Heu({ amount, unit = 'HEU' }: { amount: bigint; unit?: string }) {
  const [whole = '0', decimals = ''] = formatHeu(amount).split('.')
  const shown = decimals.slice(0, DECIMALS).replace(/0+$/, '')
  return (
    <span className="figures whitespace-nowrap" title={`${formatHeu(amount)} ${unit}`}>
      {count(BigInt(whole))}
      {shown !== '' && `.${shown}`}
      {shown === '' && decimals !== '' && '…'} <span className="text-muted">{unit}</span>
    </span>
  )
}

/** Dollars. Base units. */
export const Dollars = ({ amount }: { amount: bigint }) => (
  <span className="figures whitespace-nowrap">${formatUsd(amount)}</span>
)

/**
 * One figure with its name.
 *
 * @param name   What a test finds it by; `value` is what the chain said, exactly.
 */
export function Figure({
  name,
  label,
  value,
  children,
}: {
  name: string
  label: string
  value: bigint | number
  children: ReactNode
}) {
  return (
    <div data-figure={name} data-value={value.toString()}>
      <dt className="label">{label}</dt>
      <dd className="text-[1.05rem]">{children}</dd>
    </div>
  )
}

export const Figures = ({ children }: { children: ReactNode }) => (
  <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3 lg:grid-cols-4">{children}</dl>
)
