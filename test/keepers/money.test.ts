import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createBooks } from '../../keepers/router/books.ts'
import { openSqlite } from '../../keepers/router/ledger/sqlite.ts'
import { realTimers } from '../../keepers/world.ts'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import type { SignedReceipt } from '../../sdk/protocol/wire.ts'
import { address } from './samples.ts'
import {
  account,
  codeOf,
  openStage,
  pause,
  post,
  randomHash,
  receiptOf,
  type Stage,
  stream,
  type TestRouter,
  USD,
  until,
} from './stage.ts'
import { testWorker, type WorkerJob } from './worker.ts'

/** Ways to take money from a router that were found, each held shut. */
describe('the money of a router', function () {
  this.timeout(600_000)

  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  it('two different calls under one id, sent together: one is served, the other refused, the router lives', async () => {
    const router = await stage.router()
    await testWorker(stage, router, { slots: 4 })
    const payer = await stage.payer(USD)
    const id = randomHash()

    const answers = await Promise.all([
      post(router, payer.job({ request: { id } })),
      post(router, payer.job({ request: { id, maxPrice: 501n } })),
    ])

    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409])
    expect(answers.map(codeOf)).to.include('request.id_reused')
    expect(router.log.filter(({ event }) => event === 'fatal')).to.deep.equal([])
    expect((await post(router, payer.job())).status).to.equal(200)
    await router.stop()
  })

  it('an account is never in memory twice while a call of it is on its way, whoever else asks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heurist-books-'))
    const ledger = openSqlite(join(folder, 'ledger.db'), realTimers)
    const hasher = createHasher({ chainId: 31_337, verifyingContract: address(1) }, fastKeccak)
    const books = createBooks(ledger, hasher, createSigner(randomHash()), 2)
    const others = async () => {
      for (let number = 100; number < 110; number += 1) books.letGo(await books.use(address(number)))
    }

    const entering = await books.use(address(7))
    await others()
    const again = await books.use(address(7))
    books.hold(entering, 5n)
    books.letGo(entering)
    books.letGo(again)
    await others()
    books.release(entering, 5n)
    await others()
    const beforeItIsDurable = await books.use(address(7))

    expect(again).to.equal(entering)
    expect(beforeItIsDurable).to.equal(entering)
    books.letGo(beforeItIsDurable)
    books.leave(entering)
    await others()
    const afterwards = await books.use(address(7))
    expect(afterwards).not.to.equal(entering)
    await ledger.close()
    rmSync(folder, { recursive: true })
  })

  const statusOf = async (router: TestRouter, request: string) =>
    String((await receiptOf(router, request)).body.status)

  it('who leaves a call pays for what came; asked again it gives that much and no more, and costs nothing more', async () => {
    const router = await stage.router()
    const worker = await testWorker(stage, router, { behave: (job) => job.chunk('{"text":"one "}\n') })
    const payer = await stage.payer(USD)
    const job = payer.job()
    const call = stream(router, job)
    const running = await worker.nextJob()
    await until('the first bytes', () => call.bytes.length > 0)
    call.leave()
    await until('the worker is told', () => running.cancelled)
    running.finish({ end: 1, unitsOut: 1n })
    await until('it is charged', async () => (await statusOf(router, running.hash)) === 'receipted')

    const again = stream(router, job)
    await again.done
    const left = stream(router, job)
    await until('it is told again', () => left.bytes.length > 0)
    left.leave()
    const whole = await post(router, job)

    expect(again.bytes.toString()).to.equal('{"text":"one "}\n')
    expect(Buffer.from(String(whole.body.output), 'base64')).to.deep.equal(again.bytes)
    expect(await account(router, payer.address)).to.include({ charged: 10n, held: 0n, count: 1n })
    expect(worker.jobs).to.have.length(1)
    await router.stop()
  })

  /** Repeats a signed answer as the real worker does, its client leaving after the first window: to the end, with the one receipt. */
  const repeats = (signed: SignedReceipt) => async (job: WorkerJob) => {
    const length = Number(signed.receipt.length)
    job.flood(65_536)
    await until('the client has left', () => job.cancelled)
    while (job.sent < length) {
      const room = Math.min(65_536 + job.credit, length) - job.sent
      if (room > 0) job.flood(room)
      else await pause(2)
    }
    job.sendReceipt(signed)
  }

  it('an answer that its node has signed for is not read for free: who leaves its repetition has bought the whole', async () => {
    const router = await stage.router()
    const flood = stage.pod('flood')
    const worker = await testWorker(stage, router, { pods: [flood], behave: () => {} })
    const payer = await stage.payer(USD)
    const job = payer.job({ pod: flood })
    const length = 500_000
    const abort = new AbortController()
    post(router, job, { signal: abort.signal }).catch(() => {})
    const running = await worker.nextJob()
    abort.abort()
    await until('the worker is told', () => running.cancelled)
    const signed = running.sign(
      running.honest({ length: BigInt(length), output: toHex(fastKeccak(new Uint8Array(length))) }),
    )
    running.fail('job.cancelled')
    await until('nothing is owed', async () => (await statusOf(router, running.hash)) === 'failed')

    worker.behave = repeats(signed)
    const call = stream(router, job)
    const repeating = await worker.nextJob()
    await until('a part has been read', () => call.bytes.length > 0)
    call.leave()
    await until('the worker is told', () => repeating.cancelled)
    await until('it is decided', async () => /receipted|failed/.test(await statusOf(router, running.hash)))
    const before = await account(router, payer.address)
    const rest = await post(router, job)

    expect(before).to.include({ charged: signed.receipt.price, held: 0n, count: 1n })
    expect(rest.status).to.equal(200)
    expect(Buffer.from(String(rest.body.output), 'base64')).to.have.length(length)
    expect(await account(router, payer.address)).to.deep.equal(before)
    await router.stop()
  })

  it('a node that was never asked before gets no credit for going on after its client left', async () => {
    const router = await stage.router()
    const flood = stage.pod('flood')
    const worker = await testWorker(stage, router, { pods: [flood], behave: (job) => job.flood(65_536) })
    const payer = await stage.payer(USD)
    const job = payer.job({ pod: flood })
    const call = stream(router, job)
    const running = await worker.nextJob()
    await until('the window has been read', () => call.bytes.length === 65_536 && running.credit > 0)
    call.leave()
    await until('the worker is told', () => running.cancelled)
    const granted = running.credit
    running.flood(granted)
    await pause(100)

    expect(running.credit).to.equal(granted)
    running.finish({ end: 1 })
    await until('it is charged', async () => (await statusOf(router, running.hash)) === 'receipted')
    await router.stop()
  })

  it('asking for an account keeps nothing of it in memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heurist-books-'))
    const ledger = openSqlite(join(folder, 'ledger.db'), realTimers)
    const hasher = createHasher({ chainId: 31_337, verifyingContract: address(1) }, fastKeccak)
    const books = createBooks(ledger, hasher, createSigner(randomHash()))

    const seen = await books.look(address(9))
    const used = await books.use(address(9))

    expect(seen).not.to.equal(used)
    expect([seen.charged, seen.count, seen.holds]).to.deep.equal([0n, 0n, 0n])
    await ledger.close()
    rmSync(folder, { recursive: true })
  })
})
