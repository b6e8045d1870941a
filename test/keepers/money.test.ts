import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createBooks } from '../../keepers/router/books.ts'
import { openSqlite } from '../../keepers/router/ledger/sqlite.ts'
import { realTimers } from '../../keepers/world.ts'
import { createSigner, fastKeccak } from '../../sdk/native.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { address } from './samples.ts'
import { codeOf, openStage, post, randomHash, type Stage, USD } from './stage.ts'
import { testWorker } from './worker.ts'

/** Ways to take money from a router that were found, each held shut. */
describe('the money of a router', function () {
  this.timeout(120_000)

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
