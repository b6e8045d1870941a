import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import Database from 'libsql'
import { groupCommits } from '../../keepers/router/ledger/group.ts'
import { openSqlite } from '../../keepers/router/ledger/sqlite.ts'
import { realTimers, type Timers } from '../../keepers/world.ts'
import { expectRejection } from './ledger.ts'
import { address, admitted, batch, hash, receipted, tx } from './samples.ts'

/** Timers under which a transaction is never committed by itself. */
const STANDING: Timers = { ...realTimers, after: () => () => {}, every: () => () => {} }
/** A process is killed so often. */
const KILLS = 10

describe('the redo log of the ledger', function () {
  this.timeout(120_000)
  let folder: string
  let path: string
  let redo: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-redo-'))
    path = join(folder, 'ledger.db')
    redo = `${path}.redo`
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const admit = (number: number) => ({ op: 'job.admitted', job: admitted(number) }) as const
  /** The file comes a moment after its ledger. */
  const lines = () => (existsSync(redo) ? readFileSync(redo, 'utf8').split('\n').length - 1 : 0)

  it('brings to the tables what a crash kept from them', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1), receipted(1)])
    await ledger.commit([{ op: 'batch.signed', batch: batch(1n, 1, 1), tx: tx(1), at: 5 }])
    await ledger.abandon()
    const tables = new Database(path)
    expect(tables.prepare('SELECT * FROM jobs').all([]), 'before').to.deep.equal([])
    tables.close()

    const again = openSqlite(path, STANDING)

    expect(await again.receipt(1)).to.deep.equal(receipted(1).receipt)
    expect(await again.output(1)).to.deep.equal(new Uint8Array([1, 2, 3, 4]))
    expect((await again.account(address(1))).charged).to.equal(100n)
    const { crown, ...row } = batch(1n, 1, 1)
    expect(await again.batch(1n)).to.deep.include(row)
    expect(await again.crownOf(1n)).to.deep.equal(crown)
    await again.close()
  })

  it('what is in the tables already is not run again', async () => {
    const ledger = openSqlite(path, realTimers)
    await ledger.commit([admit(1), receipted(1)])
    // Twice it would contradict itself.
    await ledger.commit([{ op: 'batch.signed', batch: batch(1n, 1, 1), tx: tx(1), at: 5 }])
    await ledger.commit([{ op: 'outputs.forgotten', before: 40_000 }])
    await new Promise((resolve) => setTimeout(resolve, 200))
    await ledger.abandon()
    expect(lines()).to.be.greaterThan(0)

    for (let start = 0; start < 3; start += 1) {
      const again = openSqlite(path, realTimers)
      expect((await again.lastBatch())?.seq).to.equal(1n)
      expect(await again.output(1)).to.equal(undefined)
      await again.abandon()
    }
  })

  it('is empty after an orderly end, and begins anew before it is long', async () => {
    const ledger = openSqlite(path, realTimers)
    let most = 0
    for (let round = 0; round < 100; round += 1) {
      const numbers = Array.from({ length: 50 }, (_, index) => 50 * round + index + 1)
      await Promise.all(numbers.map((number) => ledger.commit([admit(number)])))
      most = Math.max(most, statSync(redo).size)
      if (round % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 60))
    }
    expect(most).to.be.within(1024 * 1024, 2 * 1024 * 1024)
    expect((await ledger.marks()).job).to.equal(5_000)

    await ledger.close()

    expect(statSync(redo).size).to.equal(0)
    const again = openSqlite(path, realTimers)
    expect((await again.openJobs()).length).to.equal(5_000)
    await again.close()
  })

  it('a torn last line was acknowledged to nobody, and what is written next is whole', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1)])
    await ledger.commit([admit(2)])
    await ledger.abandon()
    writeFileSync(redo, readFileSync(redo, 'utf8').slice(0, -5))

    const again = openSqlite(path, STANDING)
    expect((await again.openJobs()).map(({ number }) => number)).to.deep.equal([1])
    await again.commit([admit(3)])
    await again.abandon()

    const third = openSqlite(path, STANDING)
    expect((await third.openJobs()).map(({ number }) => number)).to.deep.equal([1, 3])
    await third.close()
  })

  it('a damaged line, one of another version, a gap and one that contradicts the tables are refused, and the file is left as it is', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1)])
    await ledger.abandon()
    const good = readFileSync(redo, 'utf8')
    const refusals = [
      [`${good.slice(0, -40)}\n`, 'ledger.corrupt'],
      [good.replace(/^\[\d+/, '[999'), 'ledger.version'],
      [good.replace(/^\[(\d+),1,/, '[$1,2,'), 'ledger.corrupt'],
      [good + good.replace(/^\[(\d+),1,/, '[$1,2,').replace('"admit",1,', '"admit",7,'), 'ledger.corrupt'],
    ] as const

    for (const [content, code] of refusals) {
      writeFileSync(redo, content)
      expect(() => openSqlite(path, STANDING), code)
        .to.throw()
        .with.property('code', code)
      expect(readFileSync(redo, 'utf8')).to.equal(content)
    }
    writeFileSync(redo, good)
    const again = openSqlite(path, STANDING)
    expect((await again.openJobs()).length, 'and nothing of them is in the tables').to.equal(1)
    await again.close()
  })

  it('an output that is large is committed at once instead of written twice', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1)])
    const size = statSync(redo).size
    const output = new Uint8Array(300_000).fill(7)

    await ledger.commit([{ ...receipted(1), output }])
    expect(statSync(redo).size).to.equal(size)
    await ledger.abandon()

    const again = openSqlite(path, STANDING)
    expect(await again.output(1)).to.deep.equal(output)
    await again.close()
  })

  it('what nobody waits for is found at once, and durable a moment later or with what somebody waits for', async () => {
    const moments: { ms: number; act: () => void }[] = []
    const after: Timers['after'] = (ms, act) => {
      const moment = { ms, act }
      moments.push(moment)
      return () => void moments.splice(moments.indexOf(moment), 1)
    }
    const ledger = openSqlite(path, { ...STANDING, after })
    const order: string[] = []
    const one = ledger.commit([admit(1)], { soon: true }).then(() => order.push('soon'))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect((await ledger.jobById(address(1), hash(1)))?.number).to.equal(1)
    expect(lines()).to.equal(0)

    const two = ledger.commit([admit(2)]).then(() => order.push('now'))
    await Promise.all([one, two])
    expect(order).to.deep.equal(['soon', 'now'])
    expect(lines()).to.equal(2)

    const three = ledger.commit([admit(3)], { soon: true })
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(lines(), 'until its moment has come').to.equal(2)
    // The tables are committed later than that.
    moments.reduce((sooner, moment) => (moment.ms < sooner.ms ? moment : sooner)).act()
    await three
    expect(lines()).to.equal(3)
    await ledger.abandon()
    const again = openSqlite(path, STANDING)
    expect((await again.openJobs()).map(({ number }) => number)).to.deep.equal([1, 2, 3])
    await again.close()
  })

  it('what is told to others is durable before', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1), admit(2), admit(3)])
    const reads = [
      () => ledger.job(hash(1001)),
      () => ledger.recentJobs(9),
      () => ledger.receipt(1),
      () => ledger.lastReceiptOf(address(1)),
      () => ledger.output(1),
      () => ledger.newestLeafOf(address(1), 9),
    ]
    for (const [index, read] of reads.entries()) {
      const before = lines()
      void ledger.commit([{ ...receipted(1), output: new Uint8Array([index]) }], { soon: true })
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
      expect(lines(), `${index}`).to.equal(before)
      expect(await read()).to.not.equal(undefined)
      expect(lines(), `${index}`).to.equal(before + 1)
    }
    await ledger.close()
  })

  it('of a ledger that cannot be written any more nothing is read either, and its owner hears of it', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1)])
    await ledger.abandon()
    const again = openSqlite(path, STANDING)
    const stranger = new Database(path)
    stranger.exec('BEGIN IMMEDIATE')

    await expectRejection(again.commit([admit(2)]))

    expect((await again.lost()) as { code: string }).to.have.property('code', 'SQLITE_BUSY')
    await expectRejection(again.job(hash(1001)))
    await expectRejection(again.commit([admit(3)]))
    stranger.close()
    await again.close()
    const third = openSqlite(path, STANDING)
    expect((await third.openJobs()).map(({ number }) => number)).to.deep.equal([1])
    await third.close()
  })

  it('a read error that ends the transaction ends the ledger: another start has all that was acknowledged', async () => {
    let commitNow = () => {}
    const byHand = (ms: number, run: () => void) => {
      if (ms === 50) commitNow = run
      return () => {}
    }
    const ledger = openSqlite(path, { ...STANDING, after: byHand })
    // More than the engine keeps in memory.
    const output = new Uint8Array(3_000)
    const numbers = Array.from({ length: 1_500 }, (_, index) => index + 1)
    await Promise.all(
      numbers.map((number) => ledger.commit([admit(number), { ...receipted(number), output }])),
    )
    commitNow()
    for (let number = 1_501; number <= 1_510; number += 1) {
      await ledger.commit([admit(number), receipted(number)])
    }

    const wal = readFileSync(`${path}-wal`)
    truncateSync(`${path}-wal`, 32 + 4_120 * 20)
    await expectRejection(Promise.all(numbers.map((number) => ledger.output(number))))
    writeFileSync(`${path}-wal`, wal)

    expect((await ledger.lost()) as { code: string }).to.have.property('code', 'SQLITE_IOERR_SHORT_READ')
    commitNow()
    await expectRejection(ledger.commit([admit(1_511)]))
    await expectRejection(ledger.job(hash(2_000)))
    await ledger.close()
    const again = openSqlite(path, STANDING)
    expect(await again.marks()).to.deep.equal({ job: 1_510, leaf: 1_510 })
    expect(await again.output(1_510)).to.deep.equal(receipted(1_510).output)
    await again.close()
  })

  it('what cannot be made durable breaks the ledger at once, for all who wait', async () => {
    const full = new Error('the disk is full')
    const told: unknown[] = []
    const engine = {
      run: () => {},
      harden: () => Promise.reject(full),
      isConflict: () => false,
      broken: (cause: unknown) => void told.push(cause),
    }
    const group = groupCommits(engine, realTimers)

    const waiting = [group.commit([admit(1)], { soon: true }), group.commit([admit(2)])]
    const causes = await Promise.all(waiting.map((one) => one.catch((cause: unknown) => cause)))

    expect(causes).to.deep.equal([full, full])
    expect(told, 'once').to.deep.equal([full])
    expect(await group.commit([admit(3)], { soon: true }).catch((cause: unknown) => cause)).to.equal(full)
    expect(await group.settled().catch((cause: unknown) => cause)).to.equal(full)
  })

  it('tables that are busy are no corruption, and lines of another version that are committed are no obstacle', async () => {
    const ledger = openSqlite(path, STANDING)
    await ledger.commit([admit(1)])
    await ledger.abandon()
    const stranger = new Database(path)
    stranger.exec('BEGIN IMMEDIATE')
    expect(() => openSqlite(path, STANDING))
      .to.throw()
      .with.property('code', 'SQLITE_BUSY')
    stranger.close()

    const again = openSqlite(path, STANDING)
    await again.abandon()
    writeFileSync(redo, readFileSync(redo, 'utf8').replace(/^\[\d+/, '[999'))
    const third = openSqlite(path, STANDING)
    expect((await third.openJobs()).length).to.equal(1)
    await third.close()
  })

  it('takes nothing while it closes', async () => {
    const ledger = openSqlite(path, realTimers)
    const before = ledger.commit([admit(1)])
    const closing = ledger.close()
    await expectRejection(ledger.commit([admit(2)]))
    await Promise.all([before, closing])
    expect(statSync(redo).size).to.equal(0)
    const again = openSqlite(path, realTimers)
    expect((await again.openJobs()).map(({ number }) => number)).to.deep.equal([1])
    await again.close()
  })

  it('what a killed process acknowledged is there, in its order and without a gap', async () => {
    let last = 0
    for (let kill = 0; kill < KILLS; kill += 1) {
      const acknowledged = await killed(path, last + 1, 20 + 15 * kill)
      const ledger = openSqlite(path, realTimers)
      const numbers = (await ledger.recentJobs(1_000_000)).map(({ number }) => number).reverse()
      expect(numbers, `kill ${kill}`).to.deep.equal(numbers.map((_, index) => index + 1))
      expect(numbers.length).to.be.at.least(acknowledged)
      const { leaf } = await ledger.marks()
      expect(leaf).to.be.at.least(numbers.length - 8)
      expect((await ledger.account(address(1))).charged).to.equal(BigInt(100 * leaf))
      last = numbers.length
      // Half of the starts end well.
      await (kill % 2 === 0 ? ledger.close() : ledger.abandon())
    }
    expect(last, 'calls in all').to.be.greaterThan(KILLS)
  })
})

/** Calls in a process of their own, from number `first` on, until it is killed. @returns the last one that it acknowledged. */
async function killed(path: string, first: number, ms: number): Promise<number> {
  const child = fork(join(import.meta.dirname, 'calls.ts'), [path, String(first)], {
    execArgv: ['--import', 'tsx'],
  })
  let last = first - 1
  await new Promise<void>((resolve, reject) => {
    child.on('message', (number: number) => {
      if (number === first) setTimeout(() => child.kill('SIGKILL'), ms)
      last = number
    })
    child.on('exit', (code, signal) =>
      signal === 'SIGKILL' ? resolve() : reject(new Error(`it ended: ${code}`)),
    )
  })
  return last
}
