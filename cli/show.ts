import { later } from '../sdk/errors.ts'
import { type Client, formatUsd, type ReceiptDocument } from '../sdk/index.ts'
import type { Check } from '../sdk/verify.ts'
import type { Printer } from './print.ts'

const PAUSE_MS = 150

/**
 * Waits until a call is settled on chain.
 *
 * @throws `settlement.late` (later) after `patienceMs`.
 */
export async function waitForSettlement(
  client: Client,
  request: `0x${string}`,
  patienceMs: number,
): Promise<ReceiptDocument> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const document = await client.receipt(request)
    if (document.status === 'settled') return document
    if (Date.now() > deadline) {
      throw later(
        'settlement.late',
        `the call is ${document.status}, not settled, after ${patienceMs / 1000} s`,
        {
          fix: 'It is not lost: ask again with `heurist receipt show`.',
        },
      )
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** What was found of a receipt, line by line. */
export function printChecks(print: Printer, checks: readonly Check[]): void {
  print.rows(
    checks.map(({ name, ok, checked, detail }) => [
      `${ok ? (checked ? '✓' : '–') : '✗'} ${name}`,
      checked ? detail : `not checked: ${detail}`,
    ]),
  )
}

const ROLES = [
  ['node', 'node'],
  ['pod', 'pod deployer'],
  ['frontend', 'frontend'],
  ['voters', 'pod voters'],
  ['protocol', 'burnt'],
] as const

/** The five-way split and its sum, to the last unit. */
export function printSplit(print: Printer, { split, receipt }: ReceiptDocument): void {
  if (!split || !receipt) return
  const sum = ROLES.reduce((total, [role]) => total + split[role], 0n)
  print.rows([
    ...ROLES.map(([role, title]) => [title, shareText(role, split[role])] as const),
    ['sum', `$${formatUsd(sum)} ${sum === receipt.price ? '= the price, to the last unit' : '≠ THE PRICE'}`],
  ])
}

const shareText = (role: string, share: bigint): string =>
  `$${formatUsd(share)}${role === 'voters' && share === 0n ? '  (no voters yet: burnt)' : ''}`

/** Whether the five parts are the price. */
export function splitIsWhole({ split, receipt }: ReceiptDocument): boolean {
  if (!split || !receipt) return false
  return ROLES.reduce((total, [role]) => total + split[role], 0n) === receipt.price
}
