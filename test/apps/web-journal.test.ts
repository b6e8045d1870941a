import 'fake-indexeddb/auto'
import { expect } from 'chai'
import type { Address, Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { browserJournal, journalFree } from '../../apps/web/src/session/journal.ts'
import { createKey, forgetKey, keysOf, privateKeyOf, saveKey } from '../../apps/web/src/session/keys.ts'
import { endOf, readPrices } from '../../apps/web/src/session/prices.ts'
import { openSessionDb, type SessionDb } from '../../apps/web/src/session/store.ts'
import { walletCode, wordsOf } from '../../apps/web/src/session/words.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import {
  type AccountId,
  emptyBook,
  encodeEntry,
  enter,
  type JournalEntry,
  openingEntry,
} from '../../sdk/journal.ts'
import { usd } from '../../sdk/units.ts'
import { openStage } from '../sdk/stage.ts'
import { browserLocks } from './locks.ts'

const account: AccountId = {
  chainId: 31337,
  ledger: `0x${'1e'.repeat(20)}`,
  router: `0x${'2f'.repeat(20)}`,
  payer: `0x${'3a'.repeat(20)}`,
}
const hash = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const signed = (index: number): JournalEntry => ({
  type: 'signed',
  at: index,
  request: hash(index),
  message: {
    payer: account.payer,
    id: hash(index),
    pod: 1,
    manifest: hash(7),
    frontend: 2,
    node: 0,
    maxPrice: 5n,
    deadline: 9,
    input: hash(8),
  },
  voucher: { router: account.router, ceiling: 5n, expiry: 9, request: hash(index) },
})
const released = (index: number): JournalEntry => ({
  type: 'released',
  at: index,
  request: hash(index),
  code: 'job.failed',
})
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (cause: unknown) => asHeuristError(cause).code,
  )

describe('the end of a call', () => {
  it('is its price, or that it is open, or that the journal was shortened since; nobody saw one that it never had', async () => {
    const db = await openSessionDb()
    const log = await browserJournal(db, browserLocks()).open(account)
    for (const entry of [signed(1), signed(2), released(2)]) await log.append(entry)

    const ends = () => Promise.all([1, 2, 3].map((index) => endOf(hash(index))))
    expect(await ends()).to.deep.equal(['open', 0n, 0n])

    const [pending] = [signed(1)].flatMap((entry) => (entry.type === 'signed' ? [entry] : []))
    if (!pending) throw new Error('there is no such call')
    const { request, message, voucher } = pending
    const calls = new Map([[request, { request, message, voucher }]])
    const sums = { charged: 7n, count: 1, pending: calls, atStake: message.maxPrice }
    await db.clear('journal')
    await db.add('journal', encodeEntry(openingEntry(account, sums, 9)), ['journal', 0])
    expect(await ends()).to.deep.equal(['open', 'forgotten', 'forgotten'])
    await log.close()
    db.close()
  })
})

describe('the journal of a browser', () => {
  let db: SessionDb
  let name = 0
  beforeEach(async () => {
    name += 1
    db = await openSessionDb(`test-${name}`)
  })
  afterEach(() => db.close())

  it('gives back every entry in order after it was closed', async () => {
    const locks = browserLocks()
    const log = await browserJournal(db, locks).open(account)
    await Promise.all([log.append(signed(1)), log.append(signed(2)), log.append(released(1))])
    await log.close()

    const again = await browserJournal(db, locks).open(account)

    expect(again.entries.map(({ type }) => type)).to.deep.equal(['opened', 'signed', 'signed', 'released'])
    expect(again.entries.slice(1)).to.deep.equal([signed(1), signed(2), released(1)])
  })

  it('is held by one tab; the next one is told, and can wait until it is free', async () => {
    const locks = browserLocks()
    const log = await browserJournal(db, locks).open(account)
    let free = false
    const waiting = journalFree(locks, account).then(() => {
      free = true
    })

    expect(await codeOf(browserJournal(db, locks).open(account))).to.equal('journal.locked')
    expect(free).to.equal(false)

    await log.close()
    await waiting
    expect(await codeOf(browserJournal(db, locks).open(account))).to.equal('none')
  })

  it('of one account holds nothing of another', async () => {
    const locks = browserLocks()
    const other = { ...account, payer: `0x${'4b'.repeat(20)}` as Address }
    const log = await browserJournal(db, locks).open(account)
    await log.append(signed(1))

    const { entries } = await browserJournal(db, locks).open(other)

    expect(entries.map(({ type }) => type)).to.deep.equal(['opened'])
  })

  it('of many entries is replaced by its sums, and what is pending stays pending', async () => {
    const locks = browserLocks()
    const log = await browserJournal(db, locks).open(account)
    for (let index = 1; index <= 250; index += 1) {
      await log.append(signed(index))
      if (index !== 77) await log.append(released(index))
    }
    await log.close()

    const { entries } = await browserJournal(db, locks).open(account)
    const book = emptyBook()
    for (const entry of entries) enter(book, entry)

    expect(entries).to.have.length(1)
    expect([...book.pending.keys()]).to.deep.equal([hash(77)])
    expect(await db.count('journal')).to.equal(1)
  })

  it('that was given back takes nothing more, and a closed database is said, not swallowed', async () => {
    const locks = browserLocks()
    const log = await browserJournal(db, locks).open(account)
    db.close()
    expect(await codeOf(log.append(signed(1)))).to.equal('journal.unwritable')
    await log.close()
    expect(await codeOf(log.append(signed(2)))).to.equal('journal.closed')
  })

  it('on a disk without room for what is booked loses no answer: it is whole and charged, and the next page books it', async () => {
    const stage = await openStage()
    const { key } = await stage.market.payer(usd('1'))
    const locks = browserLocks()
    const openClient = () => stage.client({ key, journal: browserJournal(db, locks) })
    const client = await openClient()
    await client.balance()
    const { add } = IDBObjectStore.prototype
    // What is booked is larger than what is signed.
    IDBObjectStore.prototype.add = function (value, at) {
      if (String(value).includes('"type":"booked"')) throw new DOMException('full', 'QuotaExceededError')
      return add.call(this, value, at)
    }
    let text = ''
    try {
      for await (const piece of client.stream('chat', 'hi')) text += piece.text ?? ''
    } finally {
      IDBObjectStore.prototype.add = add
    }
    const { charged, held } = await client.balance()
    await client.close()
    const next = await openClient()
    await next.balance()
    await next.idle()
    const { charged: later } = await next.balance()
    await next.close()
    await stage.close()

    expect(text).to.equal('Hello world')
    expect([charged, held, later]).to.deep.equal([22n, 0n, 22n])
  }).timeout(120_000)

  it('that had no room for a while gets what is missing before the next call', async () => {
    const stage = await openStage()
    const { key } = await stage.market.payer(usd('1'))
    const journal = browserJournal(db, browserLocks())
    const client = await stage.client({ key, journal })
    await client.balance()
    const { add } = IDBObjectStore.prototype
    IDBObjectStore.prototype.add = function (value, at) {
      if (String(value).includes('"type":"booked"')) throw new DOMException('full', 'QuotaExceededError')
      return add.call(this, value, at)
    }
    const first = await client.run('chat', 'hi').finally(() => {
      IDBObjectStore.prototype.add = add
    })
    const priceOf = async () => (await readPrices(db, new Set([first.request]))).get(first.request)
    const before = await priceOf()
    await client.run('chat', 'hi')
    const after = await priceOf()
    await client.close()
    await stage.close()

    expect([before, after]).to.deep.equal([undefined, 22n])
  }).timeout(120_000)

  it('a key lies on the disk encrypted, by a key that the browser gives to nobody, and comes back the same', async () => {
    const place = { chainId: 31337, ledger: account.ledger, router: account.router }
    const made = await createKey(db, place)
    const [read] = await keysOf(db, place)

    const key = await privateKeyOf(read ?? made)

    expect(privateKeyToAccount(key).address.toLowerCase()).to.equal(made.address)
    expect(made.wrapping.extractable).to.equal(false)
    expect(Buffer.from(made.wrapped).toString('hex')).not.to.include(key.slice(2))
    expect(await keysOf(db, { ...place, chainId: 1 })).to.deep.equal([])
  })

  it('a key that was swapped for another on the disk is refused', async () => {
    const place = { chainId: 31337, ledger: account.ledger, router: account.router }
    const [one, two] = [await createKey(db, place), await createKey(db, place)]
    await saveKey(db, { ...one, wrapped: two.wrapped, iv: two.iv, wrapping: two.wrapping })
    const swapped = (await keysOf(db, place)).find(({ address }) => address === one.address)

    expect(await codeOf(privateKeyOf(swapped ?? one))).to.equal('key.damaged')

    await forgetKey(db, one)
    expect((await keysOf(db, place)).map(({ address }) => address)).to.deep.equal([two.address])
  })
})

describe('what went wrong, in words', () => {
  it('a wallet that declines is no error: nothing was signed or charged', () => {
    const declined = Object.assign(new Error('User rejected'), { code: 4001 })

    expect(walletCode(new Error('outer', { cause: declined }))).to.equal(4001)
    expect(wordsOf(new Error('outer', { cause: declined })).code).to.equal('wallet.declined')
  })

  it('an error of ours says its message and its fix; one that nobody foresaw shows nothing of the inside', () => {
    expect(wordsOf(refused('a.b', 'this is wrong', { fix: 'Do that.' }))).to.deep.equal({
      code: 'a.b',
      says: 'This is wrong.',
      fix: 'Do that.',
    })
    expect(JSON.stringify(wordsOf(new TypeError('x.y is not a function')))).not.to.include('x.y')
  })
})
