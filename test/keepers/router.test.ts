import { expect } from 'chai'
import { openStage, type Payer, post, type Stage, stream, type TestRouter, USD } from './stage.ts'
import { testWorker } from './worker.ts'

describe('the router, with a real chain and a real link', function () {
  this.timeout(120_000)

  let stage: Stage
  let router: TestRouter
  let payer: Payer

  before(async () => {
    stage = await openStage()
    router = await stage.router()
    payer = await stage.payer(10n * USD)
  })
  after(() => stage?.close())

  it('a whole answer comes with its receipt and the acknowledgement of the charge', async () => {
    const worker = await testWorker(stage, router)

    const answer = await post(router, payer.job())

    expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    expect(answer.body).to.include({ mediaType: 'application/x-ndjson', provider: 'cpu' })
    worker.die()
  })

  it('a streamed answer comes in order, and its receipt after the last byte', async () => {
    const worker = await testWorker(stage, router)

    const call = stream(router, payer.job())
    await call.done

    expect(call.events.map((one) => one.event)).to.satisfy(
      (names: string[]) => names[0] === 'accepted' && names.at(-1) === 'receipt',
    )
    expect(call.bytes.toString()).to.equal('{"text":"one "}\n{"text":"two"}\n{"finish":"stop"}\n')
    worker.die()
  })
})
