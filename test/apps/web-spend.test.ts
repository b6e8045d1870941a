import 'fake-indexeddb/auto'
import { expect } from 'chai'
import type { Address, Hex } from 'viem'
import { csvOf, paceOf, paceWords } from '../../apps/web/src/portal/credits/pace.ts'
import { browserJournal } from '../../apps/web/src/session/journal.ts'
import { readSpend, spendOf } from '../../apps/web/src/session/spend.ts'
import { openSessionDb } from '../../apps/web/src/session/store.ts'
import { type AccountId, emptyBook, type JournalEntry, openingEntry } from '../../sdk/journal.ts'
import { browserLocks } from './locks.ts'

const hash = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const address = (byte: string): Address => `0x${byte.repeat(20)}`
const signature: Hex = `0x${'11'.repeat(64)}`

const place = { chainId: 31_337, ledger: address('1e'), router: address('2f') }
const account: AccountId = { ...place, payer: address('3a') }

/** A call that was signed and answered at that second, for a price. */
function call(index: number, at: number, price: bigint): JournalEntry[] {
  const request = hash(index)
  const message = {
    payer: account.payer,
    id: request,
    pod: 1,
    manifest: hash(7),
    frontend: 2,
    node: 0,
    maxPrice: price,
    deadline: 9,
    input: hash(8),
  }
  const receipt = {
    request,
    node: 1,
    unitsIn: 1n,
    unitsOut: 1n,
    length: 1n,
    end: 0 as const,
    price,
    output: hash(9),
    evidence: hash(10),
    completedAt: 9,
  }
  const ack = { payer: account.payer, charged: price, count: 1n, receipt: hash(11) }
  return [
    {
      type: 'signed',
      at,
      request,
      message,
      voucher: { router: place.router, ceiling: price, expiry: 9, request },
    },
    {
      type: 'booked',
      at,
      request,
      answer: { receipt, signature, provider: 'cpu', ack, ackSignature: signature },
    },
  ]
}

const noon = (day: string) => new Date(`${day}T12:00:00`).getTime()

describe('what a browser spent, day by day', () => {
  it('is the sum of its receipts on each day, and what was before the oldest entry that is kept', () => {
    const first = openingEntry(account, { ...emptyBook(), charged: 70n, count: 9 }, noon('2026-11-01'))
    const entries = [
      first,
      ...call(1, noon('2026-11-02'), 5n),
      ...call(2, noon('2026-11-02'), 7n),
      ...call(3, noon('2026-11-04'), 11n),
    ]

    expect(spendOf([entries, call(4, noon('2026-11-04'), 2n)])).to.deep.equal({
      before: 70n,
      days: [
        { day: '2026-11-02', charged: 12n, calls: 2 },
        { day: '2026-11-04', charged: 13n, calls: 2 },
      ],
    })
  })

  it('counts a receipt once, however often it came, and nothing that was not answered', () => {
    const [signed, booked] = call(1, noon('2026-11-02'), 5n)
    if (!signed || !booked) throw new Error('two entries')
    const open = call(2, noon('2026-11-02'), 9n).slice(0, 1)

    expect(spendOf([[signed, booked, booked, ...open]]).days).to.deep.equal([
      { day: '2026-11-02', charged: 5n, calls: 1 },
    ])
  })

  it('is read of every key at that router, and of no other place', async () => {
    const db = await openSessionDb('spend')
    const journal = browserJournal(db, browserLocks())
    for (const [index, payer, router] of [
      [1, address('3a'), place.router],
      [2, address('3b'), place.router],
      [3, address('3a'), address('99')],
    ] as const) {
      const log = await journal.open({ ...place, router, payer })
      for (const entry of call(index, noon('2026-11-02'), BigInt(index))) await log.append(entry)
      await log.close()
    }
    const { days } = await readSpend(db, place)
    db.close()

    expect(days).to.deep.equal([{ day: '2026-11-02', charged: 3n, calls: 2 }])
  })
})

describe('how long credit lasts', () => {
  const today = '2026-11-26'
  const spent = (charges: Record<string, bigint>) =>
    Object.entries(charges).map(([day, charged]) => ({ day, charged, calls: 1 }))
  /** 700 base units in the seven days from the 20th to the 26th. */
  const days = spent({ '2026-11-20': 300n, '2026-11-24': 400n })

  it('what went in the last days with calls is spread over all days from the first of them to today', () => {
    // 1,650 of 100 a day: sixteen whole days.
    expect(paceOf(days, 1_650n, today)).to.deep.equal({ days: 2, daily: 100n, until: '2026-12-12' })
    // Five days to the end of November, 31 of December, and 14.
    expect(paceOf(days, 5_000n, today)).to.deep.equal({ days: 2, daily: 100n, until: '2027-01-15' })
    expect(paceOf(spent({ [today]: 400n }), 399n, today)).to.deep.equal({
      days: 1,
      daily: 400n,
      until: today,
    })
  })

  it('seven days with calls count at most, the newest', () => {
    const week = Object.fromEntries([20, 21, 22, 23, 24, 25, 26].map((day) => [`2026-11-${day}`, 100n]))
    const more = spent({ '2026-11-18': 9_000n, '2026-11-19': 9_000n, ...week })

    expect(paceOf(more, 1_650n, today)).to.deep.equal({ days: 7, daily: 100n, until: '2026-12-12' })
  })

  it('a year ahead has a date, a day more has none', () => {
    expect(paceOf(days, 36_500n, today)?.until).to.equal('2027-11-26')
    expect(paceOf(days, 36_600n, today)).to.deep.equal({ days: 2, daily: 100n })
  })

  it('nothing is said where nothing is spent, or nothing is left', () => {
    expect(paceOf([], 5n, today)).to.equal(undefined)
    expect(paceOf(spent({ [today]: 0n }), 5n, today)).to.equal(undefined)
    expect(paceOf(days, 0n, today)).to.equal(undefined)
  })

  it('a clock that was set back makes no days fewer than had calls, and each day’s part is rounded up', () => {
    expect(paceOf(spent({ '2026-11-28': 3n, '2026-11-29': 4n }), 70n, today)).to.deep.equal({
      days: 2,
      daily: 4n,
      until: '2026-12-16',
    })
  })

  it('is said in words', () => {
    expect(paceWords({ days: 7, daily: 120_000n, until: '2026-12-12' })).to.equal(
      'At the pace of the last 7 days with calls, $0.120000 a day, the key’s credit lasts until 12 December 2026.',
    )
    expect(paceWords({ days: 1, daily: 1n })).to.equal(
      'At the pace of the last day with calls, $0.000001 a day, the key’s credit lasts for more than a year.',
    )
  })

  it('the days are a file of lines that every spreadsheet reads', () => {
    expect(csvOf([{ day: '2026-11-02', charged: 1_234_567n, calls: 2 }])).to.equal(
      'day,calls,charged_usd\r\n2026-11-02,2,1.234567\r\n',
    )
  })
})
