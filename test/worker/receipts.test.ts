import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import {
  type Delivery,
  GRACE_MS,
  openReceipts,
  RECEIVED_KEPT_MS,
  UNRECEIVED_KEPT_MS,
} from '../../worker/receipts.ts'

const word = (byte: number) => toHex(new Uint8Array(32).fill(byte))

const delivery = (request: number, units = 5n): Delivery => ({
  signed: {
    receipt: {
      request: word(request),
      node: 3,
      unitsIn: 7n,
      unitsOut: units,
      length: 3n,
      end: 0,
      price: 2n ** 100n,
      output: word(8),
      evidence: word(9),
      completedAt: 1_800_000_000,
    },
    signature: toHex(new Uint8Array(65).fill(request)),
    provider: 'cpu',
  },
  output: new Uint8Array([request, 0, 255]),
})

describe('the receipt store', function () {
  this.timeout(600_000)
  let folder: string
  let nowMs: number
  const open = (name = 'node') => openReceipts(join(folder, name), () => nowMs)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-receipts-'))
    nowMs = 1_800_000_000_000
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('gives back what was put, to the byte, in another process life', async () => {
    const first = open()
    await first.put(delivery(1))
    first.close()

    const second = open()

    expect(second.find(word(1))).to.deep.equal(delivery(1))
    expect(second.find(word(2))).to.equal(undefined)
    second.close()
  })

  it('keeps the first receipt of a request whatever comes later', async () => {
    const store = open()

    const [one, two] = await Promise.all([store.put(delivery(1, 5n)), store.put(delivery(1, 6n))])
    const three = await store.put(delivery(1, 7n))

    expect(one.signed.receipt.unitsOut).to.equal(5n)
    expect([two, three]).to.deep.equal([one, one])
    store.close()
  })

  it('repeats until received, oldest first', async () => {
    const store = open()
    for (const request of [3, 1, 2]) {
      await store.put(delivery(request))
      nowMs += 1000
    }

    store.markReceived(word(1), true)
    store.markReceived(word(1), true)

    expect(store.unreceived().map(toWire)).to.deep.equal([3, 2].map((n) => toWire(delivery(n).signed)))
    store.close()
  })

  it('keeps the sum of what was charged for good, and of what was not for a day', async () => {
    const price = 2n ** 100n
    const store = open()
    for (const request of [1, 2, 3]) await store.put(delivery(request))
    store.markReceived(word(1), true)
    store.markReceived(word(1), true)
    store.markReceived(word(9), true)
    nowMs += GRACE_MS
    store.markReceived(word(2), true)
    store.markReceived(word(3), false)
    const now = store.worked()
    store.close()

    const again = open()
    const reopened = again.worked()
    nowMs += GRACE_MS
    const later = again.worked()
    nowMs += RECEIVED_KEPT_MS
    again.prune()
    const muchLater = again.worked()

    expect(now).to.deep.equal({
      charged: 2n * price,
      chargedBefore: price,
      chargedDayBefore: 0n,
      uncharged: price,
      unanswered: 0n,
    })
    expect(reopened).to.deep.equal(now)
    expect(later).to.deep.equal({
      charged: 2n * price,
      chargedBefore: 2n * price,
      chargedDayBefore: 0n,
      uncharged: price,
      unanswered: 0n,
    })
    expect(muchLater).to.deep.equal({
      charged: 2n * price,
      chargedBefore: 2n * price,
      chargedDayBefore: 2n * price,
      uncharged: 0n,
      unanswered: 0n,
    })
    again.close()
  })

  it('knows the sum of what it signed and the router may still charge without having said so', async () => {
    const price = 2n ** 100n
    const store = open()
    const sums = [store.worked().unanswered]
    const sum = () => void sums.push(store.worked().unanswered)
    await store.put(delivery(1))
    await Promise.all([store.put(delivery(1)), store.put(delivery(2))])
    sum()
    nowMs += 1
    await store.put(delivery(3))
    await store.put(delivery(4))
    store.markReceived(word(3), true)
    store.markReceived(word(3), true)
    store.markReceived(word(4), false)
    store.markReceived(word(5), true)
    await store.put(delivery(3))
    sum()
    await store.put(delivery(6))
    nowMs += UNRECEIVED_KEPT_MS - 1
    store.prune()
    sum()
    nowMs += 1
    store.prune()
    sum()
    store.close()
    expect(sums).to.deep.equal([0n, 2n, 2n, 3n, 1n].map((count) => count * price))

    const again = open()
    expect(again.worked().unanswered, 'after another start').to.equal(price)
    const { charged } = again.worked()
    again.markReceived(word(1), true)
    expect(again.worked(), 'a word that is late').to.include({ unanswered: price, charged })
    again.markReceived(word(6), true)
    expect(again.worked().unanswered).to.equal(0n)
    again.close()
  })

  it('a receipt that the router charges after it said that it would not is charged, once', async () => {
    const price = 2n ** 100n
    const store = open()
    await store.put(delivery(1))
    store.markReceived(word(1), false)
    const before = store.worked()
    for (const charged of [true, true, false]) store.markReceived(word(1), charged)
    const after = store.worked()

    expect([before.charged, before.uncharged]).to.deep.equal([0n, price])
    expect([after.charged, after.uncharged]).to.deep.equal([price, 0n])
    store.close()
  })

  it('a clock that goes back loses no charge', async () => {
    const price = 2n ** 100n
    const store = open()
    for (const request of [1, 2, 3]) await store.put(delivery(request))
    store.markReceived(word(1), true)
    nowMs -= 30 * 86_400_000
    store.markReceived(word(2), true)
    store.markReceived(word(3), true)
    nowMs += GRACE_MS

    expect(store.worked()).to.include({ charged: 3n * price, chargedBefore: 3n * price })
    store.close()
  })

  it('counts for each router apart: what is owed by one is told to it alone, and stops work for no other', async () => {
    const price = 2n ** 100n
    const [one, other] = [`0x${'A1'.repeat(20)}`, `0x${'b2'.repeat(20)}`] as const
    const store = open()
    // Before anybody was named.
    await store.put(delivery(1))
    store.serve(one)
    for (const request of [2, 3, 4]) await store.put(delivery(request))
    store.markReceived(word(1), true)
    store.markReceived(word(2), false)
    const seen = [store.worked()]
    store.serve(other)
    seen.push(store.worked())
    await store.put(delivery(5))
    store.markReceived(word(5), true)
    store.markReceived(word(3), true)
    store.markReceived(word(2), true)
    seen.push(store.worked())
    expect(store.unreceived()).to.deep.equal([])
    store.close()

    const again = open()
    expect(again.unreceived(), 'of all, for whoever looks').to.have.length(2)
    again.serve(one)
    seen.push(again.worked())
    expect(again.unreceived().map(({ receipt }) => receipt.request)).to.deep.equal([word(3), word(4)])
    expect(again.find(word(5)), 'one receipt for a request, whoever asks').to.deep.equal(delivery(5))
    again.close()

    expect(seen.map(({ charged, uncharged, unanswered }) => [charged, uncharged, unanswered])).to.deep.equal(
      [
        [1n, 1n, 2n],
        [0n, 0n, 0n],
        [1n, 0n, 0n],
        [1n, 1n, 2n],
      ].map((sums) => sums.map((count) => count * price)),
    )
  })

  it('keeps where it counts from with the sums that it counts, for each router', async () => {
    const counted = { from: { gross: 7n, charged: 5n }, marks: [{ gross: 7n, charged: 6n, at: nowMs }] }
    const [one, other] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`] as const
    const store = open()
    store.serve(one)
    expect(store.counted()).to.equal(undefined)
    store.keepCounted({ ...counted, marks: [] })
    store.keepCounted(counted)
    store.serve(other)
    expect(store.counted()).to.equal(undefined)
    store.close()

    const again = open()
    again.serve(one)
    expect(again.counted()).to.deep.equal(counted)
    again.close()
  })

  it('goes on with a store of an earlier version: its sums are those of the router that it serves', async () => {
    const price = 2n ** 100n
    mkdirSync(join(folder, 'node'))
    const tables = new Database(join(folder, 'node', 'receipts.db'))
    tables.exec(`CREATE TABLE receipts (request TEXT PRIMARY KEY, at INTEGER NOT NULL, received INTEGER NOT NULL DEFAULT 0,
      signed TEXT NOT NULL, output BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE charged (at INTEGER PRIMARY KEY, gross TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE uncharged (request TEXT PRIMARY KEY, at INTEGER NOT NULL, price TEXT NOT NULL) WITHOUT ROWID`)
    const row = tables.prepare('INSERT INTO receipts (request, at, signed, output) VALUES (?, ?, ?, ?)')
    row.run(word(1), nowMs, toWire(delivery(1).signed), Buffer.from(delivery(1).output))
    tables.exec(`INSERT INTO charged VALUES (${nowMs - GRACE_MS}, '7'), (${nowMs}, '9')`)
    tables.exec(`INSERT INTO uncharged VALUES ('${word(2)}', ${nowMs}, '5')`)
    tables.close()

    open().close()
    const store = open()
    store.serve(`0x${'a1'.repeat(20)}`)

    expect(store.worked()).to.deep.equal({
      ...{ charged: 9n, chargedBefore: 7n, chargedDayBefore: 0n, uncharged: 5n, unanswered: price },
    })
    expect(store.find(word(1))).to.deep.equal(delivery(1))
    store.close()
  })

  it('a receipt is marked and counted in one step: what could not be counted is told again', async () => {
    const before = open()
    await before.put(delivery(1))
    before.close()
    const tables = new Database(join(folder, 'node', 'receipts.db'))
    tables.exec(
      "CREATE TRIGGER full BEFORE INSERT ON totals BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    )
    tables.close()

    const store = open()
    expect(() => store.markReceived(word(1), true)).to.throw('the disk is full')

    expect(store.unreceived()).to.have.length(1)
    expect(store.worked().charged).to.equal(0n)
    expect(store.worked().unanswered).to.equal(2n ** 100n)
    store.close()
  })

  it('forgets received receipts after a day and others after the longest life of a voucher', async () => {
    const store = open()
    await store.put(delivery(1))
    await store.put(delivery(2))
    store.markReceived(word(1), true)

    nowMs += RECEIVED_KEPT_MS
    const atOneDay = store.prune()
    nowMs += 1
    const afterOneDay = store.prune()
    const kept = store.find(word(2))
    nowMs += UNRECEIVED_KEPT_MS
    const afterAWeek = store.prune()

    expect([atOneDay, afterOneDay, afterAWeek]).to.deep.equal([0, 1, 1])
    expect(kept).to.deep.equal(delivery(2))
    store.close()
  })

  it('is open to one process at a time, and to the next one after a kill -9', async () => {
    const script = `
      const { openReceipts } = await import(${JSON.stringify(new URL('../../worker/receipts.ts', import.meta.url).href)})
      openReceipts(${JSON.stringify(join(folder, 'node'))})
      console.log('open')
      setInterval(() => {}, 1000)`
    const other = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = new Promise((resolve) => other.once('exit', resolve))
    await new Promise((resolve) => other.stdout.once('data', resolve))

    expect(() => open())
      .to.throw()
      .with.property('code', 'worker.already_running')
    other.kill('SIGKILL')
    await gone
    const store = open()
    await store.put(delivery(1))

    expect(store.find(word(1))).to.deep.equal(delivery(1))
    store.close()
  })

  it('survives a torn end of its log: what was durable before it is all there', async () => {
    const store = open()
    for (const request of [1, 2, 3]) await store.put(delivery(request))
    const [from, to] = [join(folder, 'node'), join(folder, 'torn')]
    mkdirSync(to)
    for (const name of ['receipts.db', 'receipts.db-wal']) {
      if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name))
    }
    const wal = join(to, 'receipts.db-wal')
    truncateSync(wal, statSync(wal).size - 100)
    store.close()

    const torn = open('torn')

    expect(torn.find(word(1))).to.deep.equal(delivery(1))
    expect(torn.find(word(2))).to.deep.equal(delivery(2))
    expect(torn.find(word(3))).to.equal(undefined)
    await torn.put(delivery(4))
    expect(torn.unreceived()).to.have.length(3)
    torn.close()
  })

  it('shares one disk flush between the receipts of one turn', async () => {
    const store = open()
    const all = Array.from({ length: 200 }, (_, index) => store.put(delivery(index)))

    expect(await Promise.all(all)).to.have.length(200)
    expect(store.unreceived()).to.have.length(200)
    store.close()
  })

  it('takes nothing after it was closed, and loses nothing that came just before', async () => {
    const store = open()
    const last = store.put(delivery(1))
    store.close()

    expect(await last).to.deep.equal(delivery(1))
    let code = ''
    await store.put(delivery(2)).catch((cause: { code: string }) => {
      code = cause.code
    })
    expect(code).to.equal('worker.stopping')
  })
})
