import 'fake-indexeddb/auto'
import { expect } from 'chai'
import type { Address, Hex } from 'viem'
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
