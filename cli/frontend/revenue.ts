import type { Address } from 'viem'
import { readClock } from '../../sdk/chain/epochs.ts'
import type { Claimable } from '../../sdk/chain/payees.ts'
import { refused } from '../../sdk/errors.ts'
import { BPS } from '../../sdk/protocol/split.ts'
import { same } from '../../sdk/recover.ts'
import { formatPercent, formatUsd } from '../../sdk/units.ts'
import { dateOf, idOf } from '../economy.ts'
import { createPrinter, type Printer } from '../print.ts'
import { openPlace, type Place, type TrustOptions } from '../trust.ts'
import { earningsOf, type Frontend, readFrontend, shareOf } from './entry.ts'
import { type Claim, historyWith, type Posted } from './ledger.ts'
import { type Stated, statementOf } from './statement.ts'

export interface RevenueOptions extends TrustOptions {
  days?: string
  csv?: boolean
  json?: boolean
}

/** What a day, by the chain's clock, brought with one router. Base units. */
export interface DayRow {
  day: string
  router: Address
  gross: bigint
  share: bigint
  claimed: bigint
}

/** The same of an epoch. */
export interface EpochRow {
  epoch: number
  router: Address
  gross: bigint
  share: bigint
}

/** Everything of one router, since the beginning. */
export interface RouterRow {
  router: Address
  gross: bigint
  /** Earned: claimed, claimable, and what a bond paid ahead. */
  claimed: bigint
  claimable: bigint
  /** Acknowledged and not yet posted, gross, by the router's signed word; absent where it was not asked or does not answer. */
  unposted?: bigint
  /** The frontend's share of that at today's split. */
  unpostedShare?: bigint
}

const DAY_S = 86_400
const MOST_DAYS = 3_660

/**
 * `heurist frontend revenue <id>`: what the chain and the router say.
 *
 * @throws `id.missing`, `days.invalid`, `format.two`, `frontend.unknown` (refused).
 */
export async function revenue(text: string | undefined, options: RevenueOptions): Promise<void> {
  if (text === undefined) {
    throw refused('id.missing', 'name the frontend, or its gateway with --gateway', {
      fix: '`heurist frontend revenue 1`; `heurist frontend show --mine` lists yours.',
      field: 'id',
    })
  }
  const print = createPrinter(options.json ?? options.csv ?? false)
  const days = daysOf(options)
  const place = await openPlace(options)
  const frontend = await readFrontend(place, idOf(text, 'frontend'))
  const { now } = await readClock(place.chain)
  const since = firstDay(now, days)
  const [earnings, stated, bps] = await Promise.all([
    earningsOf(place, frontend.id),
    statementOf(place, frontend.id),
    shareOf(place, frontend.id),
  ])
  const histories = []
  for (const { router } of earnings)
    histories.push(await historyWith(place, { router, frontend: frontend.id, since }))
  const rows = {
    days: byDay(
      histories.flatMap(({ posted }) => posted),
      histories.flatMap(({ claims }) => claims),
    ),
    epochs: byEpoch(histories.flatMap(({ posted }) => posted)),
    routers: routersOf(place, earnings, stated, bps),
  }
  if (options.csv) return void process.stdout.write(csvOf(rows.days))
  printRevenue(print, { ...rows, stated, bps: Number(bps), since, frontend })
  const statement = stated === undefined || stated === 'unreachable' ? undefined : stated.reply
  print.result({ frontend, since, shareBps: Number(bps), ...rows, ...(statement ? { statement } : {}) })
}

/** @throws `days.invalid`, `format.two` (refused). */
export function daysOf({ days = '30', csv, json }: RevenueOptions): number {
  if (csv && json) {
    throw refused('format.two', '--csv and --json are two formats', { fix: 'Choose one.' })
  }
  if (/^[1-9]\d{0,3}$/.test(days) && Number(days) <= MOST_DAYS) return Number(days)
  throw refused('days.invalid', `--days ${days} is no number of days`, { fix: `Name 1 to ${MOST_DAYS}.` })
}

/** The first second of the first of so many days, today the last. Unix seconds. */
export const firstDay = (now: number, days: number): number => (Math.floor(now / DAY_S) - days + 1) * DAY_S

export const dayOf = (second: number): string => new Date(second * 1000).toISOString().slice(0, 10)

function byDay(posted: readonly Posted[], claims: readonly Claim[]): DayRow[] {
  const rows = new Map<string, DayRow>()
  const rowOf = (at: number, router: Address): DayRow => {
    const name = `${dayOf(at)} ${router}`
    const row = rows.get(name) ?? { day: dayOf(at), router, gross: 0n, share: 0n, claimed: 0n }
    rows.set(name, row)
    return row
  }
  for (const { at, router, gross, share } of posted) {
    const row = rowOf(at, router)
    row.gross += gross
    row.share += share
  }
  for (const { at, router, amount } of claims) rowOf(at, router).claimed += amount
  return [...rows.values()].sort((a, b) => (`${a.day}${a.router}` < `${b.day}${b.router}` ? -1 : 1))
}

function byEpoch(posted: readonly Posted[]): EpochRow[] {
  const rows = new Map<string, EpochRow>()
  for (const { epoch, router, gross, share } of posted) {
    const row = rows.get(`${epoch} ${router}`) ?? { epoch, router, gross: 0n, share: 0n }
    row.gross += gross
    row.share += share
    rows.set(`${epoch} ${router}`, row)
  }
  return [...rows.values()].sort((a, b) => a.epoch - b.epoch)
}

/** The router that was asked may owe for calls of which nothing is posted yet. */
function routersOf(
  { router }: Place,
  earnings: readonly (Claimable & { router: Address })[],
  stated: Stated | 'unreachable' | undefined,
  bps: bigint,
): RouterRow[] {
  const rows: RouterRow[] = earnings.map(({ router, gross, claimed, claimable }) => ({
    router,
    gross,
    claimed,
    claimable,
  }))
  if (stated === 'unreachable') return rows
  const known = rows.find((row) => same(row.router, router))
  const row = known ?? { router, gross: 0n, claimed: 0n, claimable: 0n }
  if (known === undefined && stated !== undefined) rows.push(row)
  // Settled a moment after it signed: nothing is open.
  const open = (stated?.statement.gross ?? 0n) - row.gross
  row.unposted = open > 0n ? open : 0n
  row.unpostedShare = ((row.gross + row.unposted) * bps) / BPS - (row.gross * bps) / BPS
  return rows
}

const csvOf = (days: readonly DayRow[]): string =>
  [
    'day,router,gross_usd,share_usd,claimed_usd',
    ...days.map(({ day, router, gross, share, claimed }) =>
      [day, router, ...[gross, share, claimed].map(formatUsd)].join(','),
    ),
    '',
  ].join('\r\n')

interface Shown {
  days: readonly DayRow[]
  epochs: readonly EpochRow[]
  routers: readonly RouterRow[]
  stated: Stated | 'unreachable' | undefined
  bps: number
  since: number
  frontend: Frontend
}

function printRevenue(print: Printer, shown: Shown): void {
  const { days, epochs, routers, stated, bps, since, frontend } = shown
  print.line(`settled since ${dateOf(since)}; the share is ${formatPercent(bps)} of what callers paid`)
  print.rows(
    days.map(({ day, router, gross, share, claimed }) => [
      `${day} ${router}`,
      `$${formatUsd(gross)} gross, $${formatUsd(share)} earned${claimed > 0n ? `, $${formatUsd(claimed)} claimed` : ''}`,
    ]),
  )
  if (days.length === 0) print.line('  nothing')
  print.rows(
    epochs.map(({ epoch, router, gross, share }) => [
      `epoch ${epoch} ${router}`,
      `$${formatUsd(gross)} gross, $${formatUsd(share)} earned`,
    ]),
  )
  print.line('in all')
  print.rows(routers.flatMap((row) => routerRows(row)))
  if (stated === 'unreachable')
    print.line('  the router does not answer: what it has not posted is not known')
  const due = routers.reduce((sum, { claimable }) => sum + claimable, 0n)
  if (due > 0n)
    print.line(
      `  $${formatUsd(due)} wait for ${frontend.payout}: \`heurist claim --frontend ${frontend.id}\``,
    )
}

function routerRows(row: RouterRow): (readonly [string, string])[] {
  const { router, gross, claimed, claimable, unposted, unpostedShare } = row
  return [
    [`gross with ${router}`, `$${formatUsd(gross)}`],
    ['  claimed', `$${formatUsd(claimed)}`],
    ['  claimable', `$${formatUsd(claimable)}`],
    ...(unposted === undefined || unpostedShare === undefined
      ? []
      : [['  not posted yet', `$${formatUsd(unposted)} gross, $${formatUsd(unpostedShare)} yours`] as const]),
  ]
}
