import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { chatInput, requestFor } from './router.ts'
import { eventually, isAlive, openStage, type Stage, signalSlot } from './stage.ts'

describe('a slot', function () {
  this.timeout(600_000)
  let stage: Stage
  afterEach(() => stage.close())

  const order = (facts: Record<string, unknown> = {}) => {
    const input = chatInput(facts)
    return stage.router.order(requestFor(stage.podId, input), input)
  }
  const state = () => stage.router.slots()[0]

  it('loads on its first job and unloads when it has idled: the process is gone, the memory is back', async () => {
    stage = await openStage({ pod: { idleSeconds: 1 } })
    const worker = stage.start({ slots: [{ pod: 'babble' }] })
    await stage.router.linked()
    const before = { ...state(), pids: worker.slots() }

    const answer = await order().ended
    const [pid = 0] = worker.slots()
    await stage.router.until(([slot]) => slot?.state === 'cold')
    await eventually(() => !isAlive(pid))
    const again = await order().ended

    expect(before).to.deep.include({ state: 'cold', free: true, pids: [] })
    expect(answer.receipt).to.not.equal(undefined)
    expect(again.receipt).to.not.equal(undefined)
    expect(worker.slots()).to.not.include(pid)
  })

  it('refuses a corrupted model file by name, and serves once the file is true again', async () => {
    stage = await openStage()
    const file = join(stage.pod.folder, 'model', 'onnx', 'model.onnx')
    const bytes = readFileSync(file)
    const corrupt = Buffer.from(bytes)
    corrupt[1000] = (corrupt[1000] ?? 0) ^ 1
    writeFileSync(file, corrupt)
    const worker = stage.start({ slots: [{ pod: 'babble' }] })
    await stage.router.linked()

    const { fail } = await order().ended
    writeFileSync(file, bytes)
    await stage.router.until(([slot]) => slot?.free === true)
    const { receipt } = await order().ended

    expect(fail).to.include({ code: 'pod.file_corrupt', kind: 'refused', field: 'model/onnx/model.onnx' })
    expect((await worker.said('slot.failed')).error).to.include({ code: 'pod.file_corrupt' })
    expect(receipt).to.not.equal(undefined)
  })

  it('refuses a model folder with a file that the manifest does not name', async () => {
    stage = await openStage()
    writeFileSync(join(stage.pod.folder, 'model', 'extra.json'), '{}')
    stage.start({ slots: [{ pod: 'babble' }] })
    await stage.router.linked()

    expect((await order().ended).fail).to.include({ code: 'pod.file_unlisted', field: 'model/extra.json' })
  })

  it('waits longer before each load that fails again, and is not free meanwhile', async () => {
    stage = await openStage()
    appendFileSync(join(stage.pod.folder, 'model', 'config.json'), ' ')
    const worker = stage.start()
    await stage.router.linked()

    const failures = () => worker.lines.filter((line) => line.event === 'slot.failed')
    await eventually(() => failures().length >= 3)

    expect(
      failures()
        .slice(0, 3)
        .map((line) => line.pauseMs),
    ).to.deep.equal([500, 1000, 2000])
    // The log is written before the router hears of it: what counts is what the router comes to know.
    await stage.router.until(([slot]) => slot?.free === false && slot.state === 'cold')
  })

  it('is not given to a job beyond its pod’s own time limit', async () => {
    stage = await openStage({ pod: { seconds: 3 } })
    stage.start()
    await stage.router.linked()

    const answer = await order({ max_tokens: 16_000 }).ended

    expect(answer.fail).to.include({ code: 'job.timeout', kind: 'later' })
    expect(answer.output().length).to.be.greaterThan(0)
  })

  it('runs beside another of the same pod: two jobs at once in two processes', async () => {
    stage = await openStage()
    const worker = stage.start({ slots: [{ pod: 'babble' }, { pod: 'babble' }] })
    await stage.router.linked()

    const [one, two] = [order({ max_tokens: 16_000 }), order({ max_tokens: 16_000, seed: 2 })]
    await Promise.all([one.atLeast(50), two.atLeast(50)])

    expect(worker.slots()).to.have.length(2)
    expect(stage.router.slots().map((slot) => slot.slot)).to.deep.equal(['babble.0', 'babble.1'])
    expect(stage.router.slots().map((slot) => slot.free)).to.deep.equal([false, false])
  })

  it('crashes alone: the job in the other slot goes on', async () => {
    stage = await openStage()
    const worker = stage.start({ slots: [{ pod: 'babble' }, { pod: 'babble' }] })
    await stage.router.linked()
    const one = order({ max_tokens: 3000 })
    await one.atLeast(1)
    const [first = 0] = worker.slots()
    const two = order({ max_tokens: 16_000, seed: 2 })
    await two.atLeast(1)
    const second = worker.slots().find((pid) => pid !== first) ?? 0

    signalSlot(second, 'SIGKILL')

    expect((await two.ended).fail?.code).to.equal('slot.crashed')
    expect((await one.ended).receipt?.receipt.unitsOut).to.equal(3000n)
  })

  it('that hangs does not hold up a stop: its job fails, it is killed, the exit code is 0', async () => {
    stage = await openStage()
    const worker = stage.start({ drainMs: 300 })
    await stage.router.linked()
    const answer = order({ max_tokens: 16_000 })
    await answer.atLeast(20)
    const [pid = 0] = worker.slots()

    signalSlot(pid, 'SIGSTOP')
    worker.kill('SIGTERM')
    const { fail } = await answer.ended
    const { code } = await worker.gone

    expect(fail).to.include({ code: 'worker.stopping', kind: 'later' })
    expect(code).to.equal(0)
    expect(isAlive(pid)).to.equal(false)
  })

  it('that does not fit the machine is refused by name at the start', async () => {
    stage = await openStage({ pod: { memoryMiB: 100_000_000 } })
    const worker = stage.start()

    const { error } = await worker.said('worker.failed')

    expect(error).to.include({ code: 'slots.none' })
    expect((await worker.said('slot.refused')).error).to.include({ code: 'memory.short' })
    expect((await worker.gone).code).to.equal(1)
  })
})
