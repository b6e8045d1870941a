import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import {
  type AccountId,
  type Book,
  emptyBook,
  enter,
  type Journal,
  type JournalEntry,
  memoryJournal,
  openingEntry,
} from '../../sdk/journal.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { createHasher, type Request } from '../../sdk/protocol/messages.ts'
import type { Countersigned } from '../../sdk/protocol/wire.ts'
import { openPurse, type Purse } from '../../sdk/purse.ts'
import { refusal } from './refusal.ts'

const hash = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const account: AccountId = {
  chainId: 31_337,
  ledger: `0x${'11'.repeat(20)}`,
  router: `0x${'22'.repeat(20)}`,
  payer: `0x${'33'.repeat(20)}`,
}
const hasher = createHasher({ chainId: account.chainId, verifyingContract: account.ledger })
const requestOf = (index: number, maxPrice = 100n): Request => ({
  payer: account.payer,
  id: hash(index),
  pod: 1,
  manifest: hash(0),
  frontend: 0,
  node: 0,
  maxPrice,
  deadline: 1_800_000_000,
  input: hash(0),
})
const answerOf = (request: Hex, price: bigint): Countersigned => ({
  receipt: {
    request,
    node: 1,
    unitsIn: 1n,
    unitsOut: 1n,
    length: 1n,
    end: 0,
    price,
    output: hash(0),
    evidence: hash(0),
    completedAt: 1,
  },
  signature: `0x${'99'.repeat(65)}`,
  provider: 'cpu',
  ack: { payer: account.payer, charged: price, count: 1n, receipt: hash(0) },
  ackSignature: `0x${'99'.repeat(65)}`,
})

const NOW = 1_700_000_000_000
async function purseOf(
  journal: Journal,
  signVoucher = async (): Promise<Hex> => `0x${'99'.repeat(65)}`,
): Promise<Purse> {
  const log = await journal.open(account)
  return openPurse({ log, payer: account.payer, router: account.router, hasher, signVoucher, now: () => NOW })
}

const bookOf = (entries: readonly JournalEntry[]): Book => {
  const book = emptyBook()
  for (const entry of entries) enter(book, entry)
  return book
}

describe('a purse', () => {
  it('allows what was verified, what is in flight and this call, and no more', async () => {
    const purse = await purseOf(memoryJournal())
    const first = await purse.reserve(requestOf(1, 100n))
    const second = await purse.reserve(requestOf(2, 50n))
    await purse.book(first.request, answerOf(first.request, 30n))
    const third = await purse.reserve(requestOf(3, 7n))

    expect(first.voucher.ceiling).to.equal(100n)
    expect(second.voucher.ceiling).to.equal(150n)
    expect(third.voucher.ceiling).to.equal(30n + 50n + 7n)
    expect([purse.charged, purse.count]).to.deep.equal([30n, 1])
    expect(first.request).to.equal(hasher.struct('Request', requestOf(1, 100n)))
  })

  it('is idle once each call is decided, however it ended', async () => {
    const purse = await purseOf(memoryJournal())
    await purse.idle()
    const [first, second] = [await purse.reserve(requestOf(1)), await purse.reserve(requestOf(2))]
    let isIdle = false
    const idle = purse.idle().then(() => {
      isIdle = true
    })
    await purse.book(first.request, answerOf(first.request, 30n))
    expect(isIdle).to.equal(false)
    await purse.release(second.request, 'node.failed')
    await idle

    expect(purse.pending).to.deep.equal([])
  })

  it('counts calls that are signed at the same time against each other', async () => {
    const purse = await purseOf(memoryJournal())

    const signed = await Promise.all([1, 2, 3, 4].map((index) => purse.reserve(requestOf(index))))

    expect(signed.map(({ voucher }) => voucher.ceiling)).to.deep.equal([100n, 200n, 300n, 400n])
  })

  it('is not charged by a failed, a rejected or a repeated answer', async () => {
    const purse = await purseOf(memoryJournal())
    const [one, two, three] = [1, 2, 3].map((index) => requestOf(index))
    const [a, b, c] = await Promise.all([one, two, three].map((message) => purse.reserve(message as Request)))
    if (!a || !b || !c) throw new Error('three calls')

    await purse.release(a.request, 'node.failed')
    await purse.reject(b.request, 'receipt.output_mismatch')
    await purse.book(c.request, answerOf(c.request, 40n))
    await purse.book(c.request, answerOf(c.request, 40n))
    await purse.book(a.request, answerOf(a.request, 40n))

    expect([purse.charged, purse.count, purse.pending.length]).to.deep.equal([40n, 1, 0])
    expect((await purse.reserve(requestOf(4))).voucher.ceiling).to.equal(140n)
  })

  it('bounds what the router may have counted before an answer: own sum and the other calls in flight', async () => {
    const purse = await purseOf(memoryJournal())
    const a = await purse.reserve(requestOf(1, 100n))
    await purse.book(a.request, answerOf(a.request, 30n))
    const b = await purse.reserve(requestOf(2, 50n))
    await purse.reserve(requestOf(3, 7n))

    expect(purse.mostBefore(b.request)).to.equal(37n)
    expect(purse.mostCount(b.request)).to.equal(2n)
  })

  it('lets a call that could not be signed cost nothing', async () => {
    const purse = await purseOf(memoryJournal(), async () => {
      throw new Error('the wallet said no')
    })

    let message = ''
    await purse.reserve(requestOf(1)).catch((error: Error) => (message = error.message))

    expect(message).to.equal('the wallet said no')
    expect(purse.pending).to.deep.equal([])
  })

  it('waits for what is written beside it; if that fails, nothing is at stake', async () => {
    const purse = await purseOf(memoryJournal())
    const told: string[] = []
    let message = ''
    const { request } = await purse.reserve(requestOf(1), async (signed) => {
      await new Promise((resolve) => setImmediate(resolve))
      told.push(signed.request)
    })
    const [asked] = told
    await purse
      .reserve(requestOf(2), () => Promise.reject(new Error('the disk is full')))
      .catch((error: Error) => (message = error.message))

    expect(asked).to.equal(request)
    expect(message).to.equal('the disk is full')
    expect(purse.pending.map((call) => call.request)).to.deep.equal([request])
  })

  it('signs for 72 hours, and nothing at all once it is retired', async () => {
    const purse = await purseOf(memoryJournal())
    const { voucher } = await purse.reserve(requestOf(1))
    await purse.retire('receipt.end_mismatch')

    const error = await refusal(purse.reserve(requestOf(2)))

    expect(voucher.expiry).to.equal(NOW / 1000 + 72 * 3600)
    expect(error.code).to.equal('key.retired')
    expect(error.details.reason).to.equal('receipt.end_mismatch')
  })
})

describe('a journal in files', function () {
  this.timeout(600_000)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-journal-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const fileOf = () => join(folder, readdirSync(folder).find((name) => name.endsWith('.ndjson')) ?? 'none')

  /** Three calls: one booked, one released, one still open after the client left. */
  async function write(): Promise<void> {
    const purse = await purseOf(fileJournal(folder))
    const [a, b, c] = await Promise.all([1, 2, 3].map((index) => purse.reserve(requestOf(index))))
    if (!a || !b || !c) throw new Error('three calls')
    await purse.book(a.request, answerOf(a.request, 30n))
    await purse.release(b.request, 'node.failed')
    await purse.leave(c.request, 77n)
    await purse.close()
  }

  it('remembers everything across a restart', async () => {
    await write()

    const purse = await purseOf(fileJournal(folder))

    expect([purse.charged, purse.count]).to.deep.equal([30n, 1])
    expect(purse.pending.map(({ message, left }) => [message.id, left])).to.deep.equal([[hash(3), 77n]])
    expect((await purse.reserve(requestOf(4, 5n))).voucher.ceiling).to.equal(135n)
    await purse.close()
  })

  it('remembers that a key is retired', async () => {
    const purse = await purseOf(fileJournal(folder))
    await purse.retire('receipt.length_over_read')
    await purse.close()

    const again = await purseOf(fileJournal(folder))

    expect((await refusal(again.reserve(requestOf(1)))).code).to.equal('key.retired')
    await again.close()
  })

  it('has a voucher on the disk before it leaves the machine', async () => {
    let onDisk = ''
    const purse = await purseOf(fileJournal(folder))

    const { request } = await purse.reserve(requestOf(1))
    onDisk = readFileSync(fileOf(), 'utf8')

    expect(onDisk).to.contain(`"signed"`)
    expect(onDisk).to.contain(request)
    await purse.close()
  })

  it('writes a verified receipt a moment later, with the next voucher or when it is given back', async () => {
    const purse = await purseOf(fileJournal(folder))
    const typesOnDisk = () =>
      readFileSync(fileOf(), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).type)
    const first = await purse.reserve(requestOf(1))
    await purse.book(first.request, answerOf(first.request, 30n))
    const before = typesOnDisk()
    const second = await purse.reserve(requestOf(2))
    const withNext = typesOnDisk()
    await purse.book(second.request, answerOf(second.request, 30n))
    while (typesOnDisk().length < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    const third = await purse.reserve(requestOf(3))
    await purse.book(third.request, answerOf(third.request, 30n))
    await purse.close()

    expect(before).to.deep.equal(['opened', 'signed'])
    expect(withNext).to.deep.equal(['opened', 'signed', 'booked', 'signed'])
    expect(typesOnDisk().slice(4)).to.deep.equal(['booked', 'signed', 'booked'])
  })

  it('is the owner’s alone on disk', async () => {
    await write()

    expect(statSync(fileOf()).mode & 0o777).to.equal(0o600)
    expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).to.deep.equal([])
  })

  it('passes over a torn last line, wherever it tore, and writes on from there', async () => {
    await write()
    const whole = readFileSync(fileOf())
    const start = whole.subarray(0, whole.length - 1).lastIndexOf(10) + 1
    for (const size of [start + 1, start + 20, whole.length - 1]) {
      writeFileSync(fileOf(), whole)
      truncateSync(fileOf(), size)
      const purse = await purseOf(fileJournal(folder))
      expect(purse.pending.map(({ left }) => left)).to.deep.equal([undefined])
      const { request } = await purse.reserve(requestOf(9))
      await purse.close()

      const again = await purseOf(fileJournal(folder))
      expect(again.pending.map((call) => call.request)).to.include(request)
      expect(again.charged).to.equal(30n)
      await again.close()
    }
  })

  it('refuses a damaged line in the middle instead of forgetting what it said', async () => {
    await write()
    const lines = readFileSync(fileOf(), 'utf8').split('\n')
    lines[1] = lines[1]?.replace('"ceiling":"', '"ceiling":"x') ?? ''
    writeFileSync(fileOf(), lines.join('\n'))

    const error = await refusal(fileJournal(folder).open(account))

    expect(error.code).to.equal('journal.damaged')
    expect(error.fix).to.match(/new key/)
    expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).to.deep.equal([])
  })

  it('belongs to one client at a time, in this process', async () => {
    const log = await fileJournal(folder).open(account)

    expect((await refusal(fileJournal(folder).open(account))).code).to.equal('journal.locked')
    await log.close()
    await (await fileJournal(folder).open(account)).close()
  })

  it('of another account is another file with another lock', async () => {
    const other = { ...account, payer: `0x${'44'.repeat(20)}` as Hex }
    const logs = await Promise.all([fileJournal(folder).open(account), fileJournal(folder).open(other)])

    expect(readdirSync(folder).filter((name) => name.endsWith('.ndjson')).length).to.equal(2)
    for (const log of logs) await log.close()
  })

  const HOLDER = join(import.meta.dirname, 'journal-holder.ts')
  const holder = async () => {
    const child = fork(HOLDER, [folder, JSON.stringify(account)], { execArgv: ['--import', 'tsx'] })
    await once(child, 'message')
    return child
  }

  it('belongs to one process at a time, and to the next when that one is killed', async () => {
    const child = await holder()
    const error = await refusal(fileJournal(folder).open(account))
    child.kill('SIGKILL')
    await once(child, 'exit')

    const log = await fileJournal(folder).open(account)

    expect(error.code).to.equal('journal.locked')
    expect(error.message).to.contain(String(child.pid))
    expect(bookOf(log.entries).pending.size).to.equal(1)
    await log.close()
  })

  it('is given back by a process that ends without closing it', async () => {
    const child = await holder()
    child.send('end')
    await once(child, 'exit')

    expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).to.deep.equal([])
  })

  it('is given to one of many that wait for a dead process’s lock', async () => {
    const dead = spawn(process.execPath, ['-e', ''])
    await once(dead, 'exit')
    const log = await fileJournal(folder).open(account)
    await log.close()
    writeFileSync(`${fileOf()}.lock`, `${dead.pid}\n`)

    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => fileJournal(folder).open(account)),
    )

    const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(winners.length).to.equal(1)
    for (const winner of winners) await winner.close()
  })

  it('flushes entries that come together, together and in order', async () => {
    const log = await fileJournal(folder).open(account)
    const entries = Array.from(
      { length: 300 },
      (_, index): JournalEntry => ({
        type: 'released',
        at: index,
        request: hash(index),
        code: 'test',
      }),
    )

    await Promise.all(entries.map((entry) => log.append(entry)))
    await log.close()

    const read = (await (await fileJournal(folder).open(account)).entries).slice(1)
    expect(read.map((entry) => entry.at)).to.deep.equal(entries.map((entry) => entry.at))
  })

  it('is archived when it grows, and a new file carries the sums and the open calls on', async () => {
    await write()
    const filler = `${JSON.stringify({ type: 'released', at: 1, request: hash(99), code: 'x'.repeat(1_000) })}\n`
    appendFileSync(fileOf(), filler.repeat(4_500))

    const purse = await purseOf(fileJournal(folder))
    const { charged, count, pending } = purse
    await purse.close()
    const again = await purseOf(fileJournal(folder))

    const names = readdirSync(folder)
    expect(names.filter((name) => name.includes('.until-')).length).to.equal(1)
    expect([charged, count]).to.deep.equal([30n, 1])
    expect(pending.map(({ left }) => left)).to.deep.equal([77n])
    expect([again.charged, again.pending.length]).to.deep.equal([30n, 1])
    const current = names.find((name) => name.endsWith('.ndjson') && !name.includes('.until-')) ?? ''
    expect(statSync(join(folder, current)).size).to.be.lessThan(4_096)
    await again.close()
  })

  it('stops for good when the disk refuses an entry: what is not written is not signed', async () => {
    const log = await fileJournal(folder).open(account)
    await log.close()
    const purse = openPurse({
      log,
      payer: account.payer,
      router: account.router,
      hasher,
      signVoucher: async () => `0x${'99'.repeat(65)}`,
      now: () => NOW,
    })

    const failures = []
    for (const index of [1, 2, 3, 4])
      await purse.reserve(requestOf(index)).catch((error: Error) => failures.push(error))

    expect(failures.length).to.equal(4)
    expect(purse.pending).to.deep.equal([])
  })

  /** On a disk that takes nothing while it is full. */
  const journalOn = (disk: { isFull: boolean }): Journal => ({
    async open(of) {
      const log = await fileJournal(folder).open(of)
      const append = (...entries: JournalEntry[]) =>
        disk.isFull ? Promise.reject(new Error('full')) : log.append(...entries)
      return { ...log, append }
    },
  })

  it('whose disk is full retires its key all the same, and writes that down once there is room', async () => {
    const disk = { isFull: true }
    const purse = await purseOf(journalOn(disk))
    await purse.reserve(requestOf(1)).catch(() => undefined)
    await purse.retire('receipt.end_mismatch')
    const refused = await refusal(purse.reserve(requestOf(2)))
    disk.isFull = false
    await purse.retire('receipt.end_mismatch')
    await purse.close()

    const again = await fileJournal(folder).open(account)
    await again.close()
    expect(refused.code).to.equal('key.retired')
    expect(again.entries.some((entry) => entry.type === 'retired')).to.equal(true)
  })

  it('writes what a full disk did not take in the order in which it was decided', async () => {
    const disk = { isFull: false }
    const purse = await purseOf(journalOn(disk))
    const [one, other] = [await purse.reserve(requestOf(1)), await purse.reserve(requestOf(2))]
    disk.isFull = true
    await Promise.all([
      purse.leave(one.request, 1n),
      purse.leave(other.request, 2n),
      purse.release(one.request, 'test'),
      purse.release(other.request, 'test'),
    ])
    disk.isFull = false
    await purse.reserve(requestOf(3))
    await purse.close()

    const again = await fileJournal(folder).open(account)
    await again.close()
    const told = again.entries.flatMap((entry) => ('request' in entry ? [[entry.type, entry.request]] : []))
    expect(told.slice(2, 6)).to.deep.equal([
      ['left', one.request],
      ['left', other.request],
      ['released', one.request],
      ['released', other.request],
    ])
  })

  it('acknowledges no entry of which the disk took a part only, refuses each while there is no room, and goes on once there is', async function () {
    if (process.platform !== 'linux') this.skip()
    const script = join(import.meta.dirname, 'journal-full.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder, JSON.stringify(account)])
    const said = await new Response(child.stdout as unknown as ReadableStream).text()
    const { acknowledged, errors, last } = JSON.parse(said) as {
      acknowledged: number[]
      errors: object[]
      last: number
    }

    const log = await fileJournal(folder).open(account)
    await log.close()

    expect(errors).to.deep.equal(Array(6).fill({ code: 'journal.unwritable', kind: 'later', cause: 'EFBIG' }))
    const first = last + 1 - 8
    expect(first).to.be.greaterThan(0)
    expect(acknowledged).to.deep.equal([...Array(first).keys(), last - 1, last])
    expect(log.entries.slice(1).map(({ at }) => at)).to.deep.equal(acknowledged)
  })

  it('in memory is asked for by name, and exclusive as well', async () => {
    const journal = memoryJournal()
    const log = await journal.open(account)
    await log.append({ type: 'retired', at: 1, code: 'test' })

    expect((await refusal(journal.open(account))).code).to.equal('journal.locked')
    await log.close()
    expect((await journal.open(account)).entries.length).to.equal(1)
  })

  it('what is at stake is the sum of the maxPrices of everything open', () => {
    const voucher = { router: account.router, ceiling: 1n, expiry: 1, request: hash(1) }
    const entries = [1, 2, 3].map(
      (index): JournalEntry => ({
        type: 'signed',
        at: 1,
        request: hash(index),
        message: requestOf(index, BigInt(index)),
        voucher,
      }),
    )

    expect(bookOf(entries).atStake).to.equal(6n)
    const end = { at: 1, request: hash(2), code: 'x' }
    const released = [...entries, { type: 'released', ...end } as const]
    expect(bookOf(released).atStake).to.equal(4n)
    const again = [...released, { type: 'released', ...end }, { type: 'rejected', ...end }] as const
    expect(bookOf(again).atStake, 'what has ended ends once').to.equal(4n)
    expect(bookOf([...entries, ...entries]).atStake, 'and what was signed twice counts once').to.equal(6n)
    const carried = bookOf([
      openingEntry(account, bookOf(released), 1),
      { type: 'released', ...end, request: hash(3) },
    ])
    expect(carried.atStake, 'also from an archived file').to.equal(1n)
  })
})
