import { expect } from 'chai'
import fc from 'fast-check'
import { choose, explain, type NodeView, type RouteQuestion } from '../../sdk/protocol/route.ts'
import { seeded } from '../sdk/seed.ts'

const node = (changes: Partial<NodeView> & { node: number }): NodeView => ({
  state: 'live',
  slots: 1,
  free: 1,
  warm: 1,
  providers: ['cpu'],
  memoryMiB: 4096,
  vramMiB: 0,
  loadMs: 3000,
  runMs: 1000,
  succeeded: 0,
  failed: 0,
  uptime: 1,
  ...changes,
})

const question = (changes: Partial<RouteQuestion> = {}): RouteQuestion => ({
  resources: { memoryMiB: 300, vramMiB: 64, providers: ['cuda', 'webgpu', 'cpu'] },
  node: 0,
  preferred: [],
  excluded: [],
  ...changes,
})

const wordsOf = (view: NodeView[], asked: RouteQuestion, id: number) =>
  explain(view, asked, 1).find((verdict) => verdict.node === id)?.words

describe('choosing a node', () => {
  it('takes the node that is predicted to be done first', () => {
    const view = [
      node({ node: 1, runMs: 2000 }),
      node({ node: 2, runMs: 500 }),
      node({ node: 3, runMs: 900 }),
    ]

    expect(choose(view, question(), 1).node).to.equal(2)
  })

  it('counts the cold start: a slower warm node beats a faster cold one', () => {
    const view = [node({ node: 1, runMs: 500, warm: 0, loadMs: 3000 }), node({ node: 2, runMs: 2000 })]

    const decision = choose(view, question(), 1)

    expect(decision.node).to.equal(2)
    expect(decision.expectedMs).to.equal(2000)
    expect(choose([view[0] as NodeView], question(), 1).expectedMs).to.equal(3500)
  })

  it('multiplies by unreliability: 1,000 ms at 9/18 costs more than 1,500 ms at 17/18', () => {
    const view = [
      node({ node: 1, runMs: 1000, succeeded: 1, failed: 8 }),
      node({ node: 2, runMs: 1500, succeeded: 9 }),
    ]

    expect(choose(view, question(), 1).node).to.equal(2)
  })

  it('prefers what the frontend prefers, best first, while it has a free slot', () => {
    const view = [node({ node: 1, runMs: 100 }), node({ node: 2 }), node({ node: 3 })]

    expect(choose(view, question({ preferred: [3, 2] }), 1).node).to.equal(3)
    view[2] = node({ node: 3, free: 0, warm: 0 })
    expect(choose(view, question({ preferred: [3, 2] }), 1).node).to.equal(2)
    view[1] = node({ node: 2, free: 0, warm: 0 })
    expect(choose(view, question({ preferred: [3, 2] }), 1).node).to.equal(1)
  })

  it('takes the longer uptime among equals, then lets the seed decide', () => {
    const equals = [node({ node: 1 }), node({ node: 2 })]
    const uptime = [node({ node: 1, uptime: 0.5 }), node({ node: 2, uptime: 0.9 })]

    expect(choose(uptime, question(), 7).node).to.equal(2)
    const chosen = Array.from({ length: 200 }, (_, index) => choose(equals, question(), index).node)
    expect(chosen.filter((id) => id === 1).length).to.be.within(60, 140)
  })

  it('asks for the pinned node only, and waits for it', () => {
    const view = [node({ node: 1 }), node({ node: 2, free: 0, warm: 0 })]

    const decision = choose(view, question({ node: 2 }), 1)

    expect(decision).to.include({ hopeful: true }).and.not.have.property('node')
    expect(wordsOf(view, question({ node: 2 }), 1)).to.equal('rejected: the payer asks for node 2')
    expect(choose(view, question({ node: 9 }), 1).hopeful).to.equal(false)
  })

  it('says in words why a node was rejected', () => {
    const gpuOnly = question({ resources: { memoryMiB: 300, vramMiB: 24576, providers: ['cuda'] } })
    const refusals: [Partial<NodeView>, RouteQuestion, string][] = [
      [{ vramMiB: 16384, providers: ['cuda'] }, gpuOnly, 'rejected: VRAM 16384 MiB < 24576 MiB'],
      [{ memoryMiB: 100 }, question(), 'rejected: memory 100 MiB < 300 MiB'],
      [{ vramMiB: 30000 }, gpuOnly, 'rejected: it runs on cpu, the pod wants cuda'],
      [{ slots: 0, free: 0 }, question(), 'rejected: it has no slot for this version of the pod'],
      [{ state: 'draining' }, question(), 'rejected: it is leaving'],
      [{ state: 'ejected' }, question(), 'rejected for now: it failed several jobs in a row'],
      [{ state: 'probing', slots: 2, free: 1 }, question(), 'rejected for now: its trial job is running'],
      [{ slots: 2, free: 0 }, question(), 'rejected for now: 2 of 2 slots are busy'],
      [{}, question({ excluded: [1] }), 'rejected: it failed this job before'],
    ]

    for (const [changes, asked, words] of refusals) {
      expect(wordsOf([node({ node: 1, ...changes })], asked, 1)).to.equal(words)
    }
  })

  it('a node that is proving itself gets one job at a time', () => {
    expect(choose([node({ node: 1, state: 'probing', slots: 2, free: 2 })], question(), 1).node).to.equal(1)
  })

  it('is the same for ever, whatever the order of the view, and names every node once', () => {
    const views = fc.uniqueArray(
      fc.record({
        node: fc.integer({ min: 1, max: 50 }),
        state: fc.constantFrom('live', 'probing', 'ejected', 'draining'),
        slots: fc.integer({ min: 0, max: 3 }),
        free: fc.integer({ min: 0, max: 3 }),
        warm: fc.integer({ min: 0, max: 3 }),
        runMs: fc.integer({ min: 1, max: 5000 }),
        failed: fc.integer({ min: 0, max: 20 }),
      }),
      { selector: (view) => view.node, maxLength: 12 },
    )

    fc.assert(
      fc.property(
        views,
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 4 }),
        (raw, dice, preferred) => {
          const view = raw.map((one) =>
            node({ ...one, free: Math.min(one.free, one.slots) } as Partial<NodeView> & { node: number }),
          )
          const asked = question({ preferred })
          const first = choose(view, asked, dice)
          const again = choose(JSON.parse(JSON.stringify(view)) as NodeView[], asked, dice)
          const turned = choose([...view].reverse(), asked, dice)

          expect(again).to.deep.equal(first)
          expect(turned.node).to.equal(first.node)
          expect(
            explain(view, asked, dice)
              .map((verdict) => verdict.node)
              .sort(),
          ).to.deep.equal(view.map((one) => one.node).sort())
          const chosen = view.find((one) => one.node === first.node)
          if (chosen) expect(chosen.free).to.be.greaterThan(0)
        },
      ),
      seeded({ numRuns: 500 }),
    )
  })
})
