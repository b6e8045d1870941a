import { expect } from 'chai'
import { createNodes, versionKey } from '../../keepers/router/nodes.ts'
import type { SlotState } from '../../sdk/protocol/link.ts'

const HASH = `0x${'aa'.repeat(32)}` as const
const VERSION = versionKey(1, HASH)
const slot = (changes: Partial<SlotState> = {}): SlotState => ({
  slot: 's',
  pod: 1,
  manifest: HASH,
  state: 'warm',
  free: true,
  ...changes,
})

function fleet() {
  let nowMs = 1_000_000
  const nodes = createNodes({ nowMs: () => nowMs }, { ejectAfter: 3, ejectMs: 30_000, loadMs: 5_000 })
  const hello = {
    slots: [slot(), slot({ slot: 't' })],
    hardware: { memoryMiB: 100, gpus: [{ memoryMiB: 8 }] },
    version: '1',
  }
  nodes.up(7, hello)
  const view = () => nodes.view(VERSION)[0]
  return {
    nodes,
    view,
    pass: (ms: number) => {
      nowMs += ms
    },
    fault: () => {
      nodes.begin(7, VERSION)
      return nodes.end(7, VERSION, 'fault', 10)
    },
    success: (ms = 10) => {
      nodes.begin(7, VERSION)
      return nodes.end(7, VERSION, 'ok', ms)
    },
  }
}

describe('what a router knows of its nodes', () => {
  it('counts a slot as taken from the moment it sends a job, and as free when both sides say so', () => {
    const { nodes, view } = fleet()

    expect(view()?.free).to.equal(2)
    nodes.begin(7, VERSION)
    expect(view()?.free).to.equal(1)
    nodes.slots(7, [slot({ free: false }), slot({ slot: 't' })])
    expect(view()?.free).to.equal(1)
    nodes.end(7, VERSION, 'ok', 10)
    expect(view()?.free).to.equal(1)
    nodes.slots(7, [slot(), slot({ slot: 't' })])
    expect(view()?.free).to.equal(2)
  })

  it('ejects a node after three failures in a row, for longer each time, and gives it one trial job', () => {
    const { view, pass, fault } = fleet()

    expect([fault(), fault(), fault()]).to.deep.equal([false, false, true])
    expect(view()?.state).to.equal('ejected')
    pass(30_001)
    expect(view()?.state).to.equal('probing')
    expect(fault()).to.equal(true)
    pass(30_001)
    expect(view()?.state).to.equal('ejected')
    pass(30_000)
    expect(view()?.state).to.equal('probing')
  })

  it('a trial job that ends well makes the node a node like any other', () => {
    const { view, pass, fault, success } = fleet()
    for (let index = 0; index < 3; index += 1) fault()
    pass(30_001)

    success()

    expect(view()?.state).to.equal('live')
    expect([fault(), fault()]).to.deep.equal([false, false])
  })

  it('jobs that were running when a node was ejected do not eject it for longer', () => {
    const { nodes, view, pass, fault } = fleet()
    nodes.begin(7, VERSION)
    for (let index = 0; index < 3; index += 1) fault()
    nodes.end(7, VERSION, 'fault', 10)

    pass(30_001)

    expect(view()?.state).to.equal('probing')
  })

  it('a success in between starts the count of failures again', () => {
    const { fault, success, view } = fleet()

    fault()
    fault()
    success()
    fault()
    fault()

    expect(view()?.state).to.equal('live')
  })

  it('predicts a run from the runs it has seen, the newest weighing most', () => {
    const { success, view } = fleet()

    success(1000)
    expect(view()?.runMs).to.equal(1000)
    success(2000)
    expect(view()?.runMs).to.equal(1000 * 0.7 + 2000 * 0.3)
  })

  it('knows how long a node was connected, and what machine it is', () => {
    const { nodes, view, pass } = fleet()
    pass(3_000)
    nodes.down(7)
    pass(1_000)

    expect(nodes.all()[0]?.uptime).to.equal(0.75)
    nodes.up(7, { slots: [slot()], hardware: { memoryMiB: 100, gpus: [{ memoryMiB: 8 }] }, version: '1' })
    expect(view()).to.include({ memoryMiB: 100, vramMiB: 8, slots: 1 })
  })

  it('says which versions a node stopped offering', () => {
    const { nodes } = fleet()

    expect(nodes.slots(7, [])).to.include(VERSION)
    expect(nodes.view(VERSION)).to.deep.equal([])
  })
})
