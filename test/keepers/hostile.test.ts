import { expect } from 'chai'
import { computeLedgerAbi } from '../../sdk/chain/abi.ts'
import { account, codeOf, http, openStage, post, type Stage, type TestRouter, USD, until } from './stage.ts'
import { testWorker } from './worker.ts'

/** What a reviewer did to a router from outside, each held shut. */
describe('a router among strangers', function () {
  this.timeout(180_000)

  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  after(() => stage.close())

  it('takes no new call while the ledger is paused, says so, and takes them again when it ends', async () => {
    const { deployer, addresses } = stage.market
    const books = { address: addresses.ledger, abi: computeLedgerAbi } as const
    const isReady = async (at: TestRouter) => (await http(`${at.url}/readyz`)).status === 200
    const first = await stage.router()
    await testWorker(stage, first)
    const payer = await stage.payer(USD)
    const answered = payer.job()
    expect((await post(first, answered)).status).to.equal(200)
    const before = await account(first, payer.address)

    await deployer.send({ ...books, functionName: 'pause', args: [] })
    const untilSeconds = Number(await deployer.client.readContract({ ...books, functionName: 'pausedUntil' }))
    await until('the pause is seen', async () => !(await isReady(first)))
    const ready = await http(`${first.url}/readyz`)
    const [refused, again] = [await post(first, payer.job()), await post(first, answered)]
    const after = await account(first, payer.address)
    await first.stop()

    expect([ready.status, ready.body]).to.deep.equal([
      503,
      { ready: false, reasons: ['the ledger is paused'] },
    ])
    expect([refused.status, codeOf(refused)]).to.deep.equal([503, 'ledger.paused'])
    expect(refused.body.error).to.deep.include({ kind: 'later' })
    expect((refused.body.error as { details: unknown }).details).to.deep.equal({
      pausedUntil: untilSeconds,
      retryAfterSeconds: 60,
    })
    expect(refused.headers.get('retry-after')).to.equal('60')
    expect((refused.body.error as { fix: string }).fix).to.match(/\S.*\.$/)
    expect(again.status, 'what was answered is answered again').to.equal(200)
    expect(after, 'nothing is held or charged').to.deep.equal(before)

    const second = await stage.router({ dataDir: first.dataDir })
    await testWorker(stage, second)
    expect(codeOf(await post(second, payer.job())), 'one that starts meanwhile').to.equal('ledger.paused')
    await deployer.send({ ...books, functionName: 'unpause', args: [] })
    await until('the end is seen', () => isReady(second))
    expect((await post(second, payer.job())).status).to.equal(200)
    await second.stop()
  })
})
