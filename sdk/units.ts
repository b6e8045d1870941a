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
