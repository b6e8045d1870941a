import 'fake-indexeddb/auto'
import { expect } from 'chai'
import { draw, fetchPaid } from '../../apps/web/src/imagine/draw.ts'
import { type Drawings, openDrawings } from '../../apps/web/src/imagine/store.ts'
import { later, refused } from '../../sdk/errors.ts'
import type { Client } from '../../sdk/index.ts'
import { refusal } from '../sdk/refusal.ts'
import { settle } from './turns.ts'
import { until } from './visitor.ts'

/** What came and could not be checked then: its price is charged, and it is not lost. */

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1])
const job = { request: { maxPrice: 22n } } as never
const unchecked = later('chain.unreachable', 'no', { details: { price: '22', unchecked: true } })

describe('a picture that came and could not be checked', () => {
  const { window, EventSource } = globalThis
  before(() => {
    const EventSource = class {
      close() {}
    }
    Object.assign(globalThis, { window: { setTimeout: (work: () => void) => void work() }, EventSource })
  })
  after(() => {
    Object.assign(globalThis, { window, EventSource })
  })

  /** One that ended so. */
  async function drawn(cause: unknown): Promise<{ drawings: Drawings; id: string }> {
    const drawings = await openDrawings()
    const client = {
      async run(_: unknown, __: unknown, { signed }: { signed(request: string, job: unknown): void }) {
        signed('0x01', job)
        throw cause
      },
    }
    const id = draw({
      drawings,
      session: { refresh: async () => {}, report: () => {} } as never,
      client: client as never,
      routerUrl: 'http://router',
      model: 'image',
      asked: { prompt: 'a cat' },
      most: 22n,
      reread: () => {},
    })
    await until(async () => drawings.find(id)?.state === 'failed')
    return { drawings, id }
  }
  const asking = (again: Client['again']) => ({ again })

  it('is asked for again with the very call that paid for it, and is kept', async () => {
    const { drawings, id } = await drawn(unchecked)
    const sent: unknown[] = []
    const client = asking(async (call) => {
      sent.push(call)
      if (sent.length === 1) throw unchecked
      return { bytes: PNG, price: 22n, node: 7 } as never
    })
    const silent = await refusal(fetchPaid(drawings, client, id))
    const between = drawings.find(id)?.state
    await fetchPaid(drawings, client, id)
    await fetchPaid(drawings, client, id)
    await settle()
    const kept = await openDrawings()

    expect([silent.kind, between]).to.deep.equal(['later', 'failed'])
    expect(sent).to.deep.equal([job, job])
    expect(kept.find(id)).to.include({ state: 'done', price: '22', node: 7, request: '0x01' })
    expect(kept.find(id)).to.not.have.any.keys('job', 'problem')
    expect(await kept.picture(id)).to.deep.equal(PNG)
  })

  it('is asked for no more where there is none, or it does not hold, which is said', async () => {
    const reasons = [
      later('output.forgotten', 'gone'),
      refused('call.over', 'not charged'),
      refused('receipt.price_mismatch', 'too much'),
    ]
    for (const reason of reasons) {
      const { drawings, id } = await drawn(unchecked)
      await fetchPaid(
        drawings,
        asking(() => Promise.reject(reason)),
        id,
      )

      expect(drawings.find(id)?.problem?.code).to.equal(reason.code)
      expect(drawings.find(id)).to.not.have.property('job')
    }
  })

  it('is another thing than one that failed: that is not asked for again', async () => {
    const { drawings, id } = await drawn(later('node.lost', 'the node is gone'))

    expect(drawings.find(id)).to.not.have.property('job')
  })
})
