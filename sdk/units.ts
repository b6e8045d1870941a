import { refused } from './errors.ts'

/** Base units of one dollar of the payment asset (6 decimals). */
export const USD = 1_000_000n

/**
 * Dollars as people write them to base units.
 *
 * @param text  Decimal text such as `'0.25'` or `'10'`, at most 6 decimals, not negative.
 * @throws `amount.invalid` (refused).
 */
export function usd(text: string): bigint {
  const match = /^(\d{1,18})(?:\.(\d{1,6}))?$/.exec(text)
  if (!match) {
    throw refused('amount.invalid', `'${text}' is not an amount in dollars`, {
      fix: "Write it like '1.50', with at most 6 decimals.",
    })
  }
  return BigInt(match[1] ?? '0') * USD + BigInt((match[2] ?? '').padEnd(6, '0') || '0')
}

/** Base units as dollars with all 6 decimals, so that columns add up to the last unit. */
export function formatUsd(amount: bigint): string {
  const sign = amount < 0n ? '-' : ''
  const size = amount < 0n ? -amount : amount
  return `${sign}${size / USD}.${(size % USD).toString().padStart(6, '0')}`
}

/** Wei of one HEU. */
export const HEU = 10n ** 18n

/**
 * HEU as people write them to wei.
 *
 * @param text  Decimal text such as `'0.25'` or `'1000'`, at most 18 decimals, not negative.
 * @throws `amount.invalid` (refused).
 */
export function heu(text: string): bigint {
  const match = /^(\d{1,10})(?:\.(\d{1,18}))?$/.exec(text)
  if (!match) {
    throw refused('amount.invalid', `'${text}' is not an amount of HEU`, {
      fix: "Write it like '1.50', with at most 18 decimals.",
    })
  }
  return BigInt(match[1] ?? '0') * HEU + BigInt((match[2] ?? '').padEnd(18, '0'))
}

/** Wei as HEU, to the last wei, without zeros at the end. */
export function formatHeu(amount: bigint): string {
  const sign = amount < 0n ? '-' : ''
  const size = amount < 0n ? -amount : amount
  const decimals = (size % HEU).toString().padStart(18, '0').replace(/0+$/, '')
  return `${sign}${size / HEU}${decimals === '' ? '' : `.${decimals}`}`
}

/**
 * Percent as people write them to basis points.
 *
 * @param text  `'60'`, `'12.5'`, `'0.01'`; from 0 to 100, at most 2 decimals. A percent sign may follow.
 * @throws `percent.invalid` (refused).
 */
export function percent(text: string): number {
  const match = /^(\d{1,3})(?:\.(\d{1,2}))?%?$/.exec(text)
  const bps = match ? Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0')) : Number.NaN
  if (bps <= 10_000) return bps
  throw refused('percent.invalid', `'${text}' is not a percentage`, {
    fix: "Write it like '60' or '12.5', from 0 to 100.",
  })
}

/** Basis points as percent. */
export const formatPercent = (bps: number): string => `${bps / 100} %`
