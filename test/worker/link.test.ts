import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { createKey } from '../../sdk/chain/keys.ts'
import { FRAME } from '../../sdk/protocol/frames.ts'
import { chatInput, requestFor } from './router.ts'
import { eventually, isAlive, openStage, type Stage } from './stage.ts'

describe('a worker and its router', function () {
  this.timeout(600_000)
  let stage: Stage
  afterEach(() => stage.close())

  const order = (facts: Record<string, unknown>) => {
    const input = chatInput(facts)
    return stage.router.order(requestFor(stage.podId, input), input)
  }

  it('a receipt that was signed before a kill -9 is told again with identical bytes', async () => {
    stage = await openStage({ router: { acknowledge: false } })
    const first = stage.start()
    await stage.router.linked()
    const answer = await order({ max_tokens: 20 }).ended
    const slots = first.slots()

    first.kill('SIGKILL')
    await stage.router.unlinked()
    await eventually(() => !slots.some(isAlive))
    stage.start()
    await stage.router.repeat(1)

    expect(answer.receiptBytes).to.not.equal(undefined)
    expect(stage.router.repeated[0]).to.deep.equal(answer.receiptBytes)
  })

  it('a receipt that was acknowledged is not told again', async () => {
    stage = await openStage()
    const first = stage.start()
    await stage.router.linked()
    const { receipt } = await order({ max_tokens: 3 }).ended
    // The acknowledgement is behind this job's answer on the same link.
    await order({ max_tokens: 1 }).ended
    await order({ max_tokens: 1 }).ended

    first.kill('SIGKILL')
    await stage.router.unlinked()
    stage.start()
    await stage.router.linked()
    await order({ max_tokens: 1 }).ended

    const told = stage.router.repeated.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)))
    expect(receipt).to.not.equal(undefined)
    expect(told.map((one) => one.receipt.request)).to.not.include(receipt?.receipt.request)
  })

  it('a router that is gone and back: the worker dials again, the cut job owes nothing', async () => {
    stage = await openStage({ router: { acknowledge: false } })
    const worker = stage.start()
    await stage.router.linked()
    const cut = order({ max_tokens: 16_000 })
    await cut.atLeast(100)

    await stage.router.down()
    await worker.said('job.failed')
    await stage.router.back()
    await stage.router.linked()
    await stage.router.until((slots) => slots.every((slot) => slot.free))
    const next = await order({ max_tokens: 4 }).ended

    expect(cut.receipt).to.equal(undefined)
    expect(next.receipt?.receipt.unitsOut).to.equal(4n)
    expect(stage.router.repeated).to.deep.equal([])
    expect(stage.router.hellos).to.have.length(2)
  })

  it('a router that is not up yet is waited for', async () => {
    stage = await openStage()
    await stage.router.down()
    const worker = stage.start()
    await worker.said('router.awaited')

    await stage.router.back()
    await stage.router.linked()

    expect((await worker.said('ready')).node).to.equal(3)
  })

  it('a router that is silent for a lease is left and dialled again', async () => {
    stage = await openStage({ router: { deaf: true, leaseMs: 600, heartbeatMs: 100 } })
    const worker = stage.start()

    await eventually(() => stage.router.hellos.length >= 2)

    expect(worker.lines.find((line) => line.event === 'link.dropped')).to.include({
      why: 'the router is silent',
    })
  })

  it('a signer that the node does not have is refused, and tries on', async () => {
    stage = await openStage()
    const other = join(stage.home, 'other.key')
    createKey(other)
    const worker = stage.start({ signerKeyFile: other })

    await eventually(() => stage.router.refused >= 2)

    expect((await worker.said('link.refused')).error).to.include({ code: 'signature.invalid' })
    expect(worker.lines.some((line) => line.event === 'ready')).to.equal(false)
  })

  for (const [field, value] of Object.entries({
    chainId: 1,
    ledger: `0x${'77'.repeat(20)}` as const,
    router: `0x${'66'.repeat(20)}` as const,
  })) {
    it(`no signature for a challenge that names another ${field}`, async () => {
      stage = await openStage({ router: { challenge: { [field]: value } } })
      const worker = stage.start()

      const { error } = await worker.said('link.failed')

      expect(error).to.include({ code: 'challenge.wrong', field })
      expect(stage.router.hellos).to.deep.equal([])
    })
  }

  it('a second process on the same data folder is turned away', async () => {
    stage = await openStage()
    stage.start()
    await stage.router.linked()

    const second = stage.start()
    const { error } = await second.said('worker.failed')
    const { code } = await second.gone

    expect(error).to.include({ code: 'worker.already_running' })
    expect(code).to.equal(1)
  })

  it('a second process for the same node takes over; the first one gives up instead of fighting', async () => {
    stage = await openStage()
    const first = stage.start()
    await stage.router.linked()

    const second = stage.start({ dataDir: join(stage.home, 'twin') })
    const { code } = await first.gone
    await second.said('ready')

    expect(code).to.equal(1)
    expect(first.lines.some((line) => line.event === 'link.replaced')).to.equal(true)
    rmSync(join(stage.home, 'twin'), { recursive: true, force: true })
  })

  it('goaway: the running job ends, the link is dialled again once the router hangs up', async () => {
    stage = await openStage()
    stage.start()
    await stage.router.linked()
    const answer = order({ max_tokens: 500 })
    await answer.atLeast(20)

    stage.router.send(0, FRAME.goaway)
    const { receipt } = await answer.ended
    stage.router.hangUp(1001)
    await eventually(() => stage.router.hellos.length === 2)

    expect(receipt?.receipt.unitsOut).to.equal(500n)
  })

  it('a worker whose parent is gone stops and leaves no process', async () => {
    stage = await openStage()
    const worker = stage.start()
    await stage.router.linked()
    await stage.router.until((slots) => slots.some((slot) => slot.state === 'warm'))
    const slots = worker.slots()

    worker.disconnect()
    const { code } = await worker.gone

    expect(code).to.equal(0)
    expect(slots).to.have.length(1)
    await eventually(() => !slots.some(isAlive))
  })
})
