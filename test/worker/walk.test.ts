import { expect } from 'chai'
import { recoverSigner } from '../../sdk/native.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { encodeJob, FRAME } from '../../sdk/protocol/frames.ts'
import type { Request } from '../../sdk/protocol/messages.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { ON_TRUST } from '../../worker/limit.ts'
import { type Answer, chatInput, DOMAIN, requestFor } from './router.ts'
import {
  eventually,
  isAlive,
  NODE,
  openStage,
  POD,
  type Stage,
  signalSlot,
  type WorkerProcess,
} from './stage.ts'

/** Long enough to be cut anywhere. */
const ENDLESS = { max_tokens: 16_000 }
const warm = (stage: Stage) =>
  stage.router.until((slots) => slots.length > 0 && slots.every((s) => s.state === 'warm' && s.free))
const receiptOf = (answer: Answer) => answer.receipt?.receipt ?? expect.fail(JSON.stringify(answer.fail))

describe('a worker serves', function () {
  this.timeout(600_000)
  let stage: Stage
  let worker: WorkerProcess
  const order = (facts: Record<string, unknown>, request: Partial<Request> = {}) => {
    const input = chatInput(facts)
    return stage.router.order(requestFor(stage.podId, input, request), input)
  }

  before(async () => {
    stage = await openStage()
    worker = stage.start({ drainMs: 60_000 })
    await stage.router.linked()
    await warm(stage)
  })
  after(() => stage.close())

  it('a job in chunks, and signs for exactly what it sent', async () => {
    const answer = await order({ max_tokens: 40 }).ended

    const receipt = receiptOf(answer)
    const output = answer.output()
    const { signature = '0x', provider } = answer.receipt ?? {}
    expect(receipt.request).to.equal(answer.hash)
    expect(receipt.node).to.equal(NODE)
    expect(receipt.length).to.equal(BigInt(output.length))
    expect(receipt.output).to.equal(toHex(keccak(output)))
    expect(receipt.unitsOut).to.equal(40n)
    expect(receipt.price).to.equal(priceOf(stage.pod.manifest.pricing, receipt.unitsIn, 40n))
    expect(receipt.end).to.equal(0)
    expect(provider).to.equal('cpu')
    expect(answer.chunks.length).to.be.greaterThan(5)
    const digest = createHasher(DOMAIN).digest('Receipt', receipt)
    expect(recoverSigner(digest, signature)).to.equal(stage.key.address.toLowerCase())
  })

  it('says who it is, what it has and which provider ran', async () => {
    const [hello] = stage.router.hellos
    const [slot] = stage.router.slots()

    expect(hello?.node).to.equal(NODE)
    expect(hello?.hardware).to.include.keys('cpu', 'cores', 'memoryMiB', 'gpus')
    expect(slot).to.include({
      slot: 'babble.0',
      pod: POD,
      manifest: stage.pod.hash,
      state: 'warm',
      provider: 'cpu',
    })
    expect(slot?.loadMs).to.be.greaterThan(0)
  })

  it('a finished request again with the identical bytes and no second signature', async () => {
    const input = chatInput({ max_tokens: 30 })
    const request = requestFor(stage.podId, input)

    const first = await stage.router.order(request, input).ended
    const second = await stage.router.order(request, input).ended

    expect(second.output()).to.deep.equal(first.output())
    expect(second.receiptBytes).to.deep.equal(first.receiptBytes)
    await eventually(() => worker.lines.filter((line) => line.event === 'job.repeated').length === 1)
    const signed = worker.lines.filter((line) => line.event === 'job.done' && line.request === first.hash)
    expect(signed).to.have.length(1)
  })

  it('a client that leaves: the receipt is for the exact prefix that went out', async () => {
    const answer = order(ENDLESS)
    await answer.atLeast(300)

    stage.router.send(answer.job, FRAME.cancel)
    const receipt = receiptOf(await answer.ended)

    expect(receipt.end).to.equal(1)
    expect(receipt.length).to.equal(BigInt(answer.output().length))
    expect(receipt.output).to.equal(toHex(keccak(answer.output())))
    expect(Number(receipt.unitsOut)).to.be.greaterThan(0).and.lessThan(16_000)
  })

  it('nobody a second time after a partial answer, because it signs only once', async () => {
    const input = chatInput(ENDLESS)
    const request = requestFor(stage.podId, input)
    const first = stage.router.order(request, input)
    await first.atLeast(100)
    stage.router.send(first.job, FRAME.cancel)
    await first.ended

    const second = await stage.router.order(request, input).ended

    expect(second.fail).to.include({ code: 'receipt.partial', kind: 'later' })
    expect(second.output()).to.have.length(0)
  })

  it('nothing, and signs nothing, when the client leaves before the first byte', async () => {
    // A byte may be faster than the cancel; then the prefix is signed for, which is another test.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const answer = order(ENDLESS)
      stage.router.send(answer.job, FRAME.cancel)
      const { fail, receipt } = await answer.ended
      await warm(stage)
      if (answer.output().length > 0) continue

      expect(fail?.code).to.equal('job.cancelled')
      expect(receipt).to.equal(undefined)
      return
    }
    expect.fail('ten times the first byte was faster than the cancel')
  })

  it('one job per slot: a second one finds it busy, a twin finds itself', async () => {
    const input = chatInput(ENDLESS)
    const request = requestFor(stage.podId, input)
    const long = stage.router.order(request, input)
    await long.atLeast(1)

    const [other, twin] = await Promise.all([order({}).ended, stage.router.order(request, input).ended])
    stage.router.send(long.job, FRAME.cancel)
    await long.ended

    expect(other.fail).to.include({ code: 'slot.busy', kind: 'later' })
    expect(twin.fail).to.include({ code: 'job.duplicate', kind: 'later' })
  })

  it('deterministically: the same input and seed give the same bytes', async () => {
    const [first, second] = [await order({ max_tokens: 25 }).ended, await order({ max_tokens: 25 }).ended]

    expect(first.hash).to.not.equal(second.hash)
    expect(second.output()).to.deep.equal(first.output())
    expect(receiptOf(second).evidence).to.equal(receiptOf(first).evidence)
  })

  const wrong: [string, string, Partial<Request>, Record<string, unknown>?][] = [
    ['another input than the one named', 'input.mismatch', { input: `0x${'11'.repeat(32)}` }],
    ['a deadline that is past', 'request.expired', { deadline: 1_700_000_000 }],
    ['another version of the pod', 'pod.unserved', { manifest: `0x${'22'.repeat(32)}` }],
    ['another pod', 'pod.unserved', { pod: POD + 1 }],
    ['another node', 'node.wrong', { node: NODE + 1 }],
    ['less than the least price', 'price.too_low', { maxPrice: 9n }],
    ['an input larger than the pod takes', 'input.too_large', {}, { padding: 'x'.repeat(20_000) }],
    ['a field that the pod does not know', 'input.invalid', {}, { colour: 'red' }],
    ['a field out of range', 'input.invalid', {}, { max_tokens: -1 }],
  ]
  for (const [what, code, request, facts] of wrong) {
    it(`nobody who asks with ${what}: ${code}`, async () => {
      const answer = await order(facts ?? {}, request).ended

      expect(answer.fail).to.include({ code, kind: 'refused' })
      expect(answer.output()).to.have.length(0)
      await warm(stage)
    })
  }

  it('nobody whose work turns out dearer than allowed', async () => {
    const answer = await order({ max_tokens: 40 }, { maxPrice: 20n }).ended

    expect(answer.fail).to.include({ code: 'price.too_low', kind: 'refused' })
    expect(answer.receipt).to.equal(undefined)
  })

  it('nobody whose order makes no sense, and keeps the link', async () => {
    const links = stage.router.hellos.length
    for (const payload of [new Uint8Array([0, 0, 9, 9, 1]), encodeJob({ attempt: 1 }, new Uint8Array())]) {
      const answer = order({ max_tokens: 1 })
      await answer.ended
      stage.router.send(1_000_000, FRAME.job, payload)
    }
    const sane = await order({ max_tokens: 2 }).ended

    expect(sane.receipt).to.not.equal(undefined)
    await eventually(() => worker.lines.filter((line) => line.job === 1_000_000).length === 2)
    expect(stage.router.hellos).to.have.length(links)
  })

  it('not beyond the deadline of a job', async () => {
    const input = chatInput(ENDLESS)
    const answer = stage.router.order(requestFor(stage.podId, input), input, Date.now() + 400)

    expect((await answer.ended).fail).to.include({ code: 'job.timeout', kind: 'later' })
    await warm(stage)
  })

  it('on after a slot is killed in mid-job: that job fails, the next one does not', async () => {
    const answer = order(ENDLESS)
    await answer.atLeast(50)
    const [pid = 0] = worker.slots()

    signalSlot(pid, 'SIGKILL')
    const { fail } = await answer.ended
    await warm(stage)
    const next = await order({ max_tokens: 5 }).ended

    expect(fail).to.include({ code: 'slot.crashed', kind: 'later' })
    expect(receiptOf(next).unitsOut).to.equal(5n)
    expect(worker.slots()).to.not.include(pid)
  })

  it('on after a slot that ignores its cancel: it is killed and nothing is signed', async () => {
    const answer = order(ENDLESS)
    await answer.atLeast(50)
    const [pid = 0] = worker.slots()

    signalSlot(pid, 'SIGSTOP')
    stage.router.send(answer.job, FRAME.cancel)
    const { fail, receipt } = await answer.ended
    await warm(stage)

    expect(fail?.code).to.equal('job.cancelled')
    expect(receipt).to.equal(undefined)
    expect(isAlive(pid)).to.equal(false)
  })

  it('until SIGTERM: the running job ends first, the exit code is 0 and no process is left', async () => {
    const answer = order({ max_tokens: 1500 })
    await answer.atLeast(50)
    const slots = worker.slots()

    worker.kill('SIGTERM')
    const receipt = receiptOf(await answer.ended)
    const { code } = await worker.gone

    expect(receipt.end).to.equal(0)
    expect(code).to.equal(0)
    expect(slots).to.have.length(1)
    await eventually(() => !slots.some(isAlive))
  })
})

describe('a worker and a slow client', function () {
  this.timeout(600_000)
  let stage: Stage

  before(async () => {
    stage = await openStage({ router: { windowBytes: 600, generous: false } })
    stage.start()
    await stage.router.linked()
    await warm(stage)
  })
  after(() => stage.close())

  it('nothing leaves beyond the credit window, and the receipt is for what left', async () => {
    const input = chatInput(ENDLESS)
    const answer = stage.router.order(requestFor(stage.podId, input), input)
    const seen: number[] = []
    for (const credit of [0, 100, 50]) {
      if (credit > 0) stage.router.credit(answer.job, credit)
      await answer.atLeast((seen.at(-1) ?? 600) + credit)
      await new Promise((resolve) => setTimeout(resolve, 300))
      seen.push(answer.output().length)
    }

    stage.router.send(answer.job, FRAME.cancel)
    const receipt = receiptOf(await answer.ended)

    expect(seen).to.deep.equal([600, 700, 750])
    expect(receipt).to.include({ end: 1, length: 750n, output: toHex(keccak(answer.output())) })
  })

  it('an answer told again keeps to the window too', async () => {
    const input = chatInput({ max_tokens: 300 })
    const request = requestFor(stage.podId, input)
    const first = stage.router.order(request, input)
    await first.atLeast(600)
    stage.router.credit(first.job, 100_000)
    await first.ended

    const second = stage.router.order(request, input)
    await second.atLeast(600)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const stalled = second.output().length
    stage.router.credit(second.job, 100_000)
    await second.ended

    expect(first.output().length).to.be.greaterThan(600)
    expect(stalled).to.equal(600)
    expect(second.output()).to.deep.equal(first.output())
    expect(second.receiptBytes).to.deep.equal(first.receiptBytes)
  })
})

describe('a worker and a router that says nothing of its receipts', function () {
  this.timeout(600_000)
  let stage: Stage
  before(async () => {
    stage = await openStage({ pod: { minimum: Number(ON_TRUST / 2n) }, router: { acknowledge: false } })
  })
  after(() => stage.close())

  async function call(seed: number): Promise<string> {
    await stage.router.until((slots) => slots.length > 0)
    const input = chatInput({ max_tokens: 4, seed })
    const answer = await stage.router.order(requestFor(stage.podId, input), input).ended
    return answer.receipt ? 'answered' : `${answer.fail?.code} ${answer.fail?.details?.reason}`
  }

  it('works for what it would lose on trust and no more, in its next life neither', async () => {
    const worker = stage.start()
    await stage.router.linked()
    await warm(stage)

    expect([await call(1), await call(2), await call(3)]).to.deep.equal([
      'answered',
      'answered',
      'slot.busy limit',
    ])
    await stage.router.until((slots) => slots.every(({ free }) => !free))
    worker.kill('SIGKILL')
    await Promise.all([worker.gone, stage.router.unlinked()])
    stage.start()
    await stage.router.linked()

    expect(await call(4)).to.equal('slot.busy limit')
  })
})
