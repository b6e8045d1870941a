import { mock } from 'node:test'
import { expect } from 'chai'
import { retried } from '../../apps/web/src/network/retried.ts'
import { follow } from '../../apps/web/src/receipt/follow.ts'
import { later, refused } from '../../sdk/errors.ts'

/** What a page checks on the chain, and again while it cannot. */

describe('what is tried again', () => {
  const { document } = globalThis
  const page = { visibilityState: 'visible' }
  let told: string[]
  let tries: number
  beforeEach(() => {
    told = []
    tries = 0
    page.visibilityState = 'visible'
    Object.assign(globalThis, { document: page })
    mock.timers.enable({ apis: ['setTimeout'] })
  })
  afterEach(() => {
    mock.timers.reset()
    Object.assign(globalThis, { document })
  })

  const tell = {
    done: (value: string) => void told.push(value),
    failed: (cause: unknown) => void told.push((cause as Error).message),
  }
  const failing =
    (error: Error, times = Number.POSITIVE_INFINITY) =>
    async () => {
      if (tries++ < times) throw error
      return 'done'
    }
  const pass = async (ms: number) => {
    mock.timers.tick(ms)
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  }
  /** Over how many seconds each further try came. */
  async function pauses(most: number): Promise<number[]> {
    const found: number[] = []
    let waited = 0
    for (let second = 0; second < most; second++) {
      const before = tries
      await pass(1_000)
      waited += 1
      if (tries === before) continue
      found.push(waited)
      waited = 0
    }
    return found
  }

  it('waits twice as long after each failure, a minute at most, and says each', async () => {
    const stop = retried(failing(later('chain.unreachable', 'silent')), tell)
    await pass(0)

    expect(await pauses(240)).to.deep.equal([4, 8, 16, 32, 60, 60, 60])
    expect(told).to.deep.equal(Array(8).fill('silent'))
    stop()
  })

  it('ends with what came, or with what time does not mend', async () => {
    retried(failing(later('chain.unreachable', 'silent'), 2), tell)
    await pass(0)
    expect(await pauses(60)).to.deep.equal([4, 8])
    retried(failing(refused('chain.wrong', 'another chain')), tell)
    await pass(0)

    expect(await pauses(60)).to.deep.equal([])
    expect(told).to.deep.equal(['silent', 'silent', 'done', 'another chain'])
  })

  it('waits while nobody looks', async () => {
    retried(failing(later('chain.unreachable', 'silent'), 1), tell)
    await pass(0)
    page.visibilityState = 'hidden'
    expect(await pauses(600)).to.deep.equal([])
    page.visibilityState = 'visible'

    expect(await pauses(10)).to.deep.equal([4])
    expect(told).to.deep.equal(['silent', 'done'])
  })

  it('tells nothing more, and tries no more, once it is ended', async () => {
    const stop = retried(failing(later('chain.unreachable', 'silent')), tell)
    await pass(0)
    stop()
    expect(await pauses(120)).to.deep.equal([])
    const leave = retried(async () => 'too late', tell)
    leave()
    await pass(0)

    expect(told).to.deep.equal(['silent'])
  })

  describe('of a call whose receipt is shown', () => {
    type Status = 'admitted' | 'receipted' | 'settled'
    const show = {
      read: ({ status }: { status: Status }) => void told.push(status),
      failed: (why: string) => void told.push(why),
    }
    const unknown = 'This router has admitted no such request.'
    /** One answer after the other, the last one for good. */
    const answering = (answers: readonly (Status | undefined)[]) => async () => {
      const status = answers[Math.min(tries++, answers.length - 1)]
      return status && { status }
    }

    it('goes on slowly while the router does not know it, and ends when it is settled', async () => {
      follow(answering([undefined, undefined, 'admitted', 'receipted', 'settled']), show)
      await pass(0)

      expect(await pauses(30)).to.deep.equal([6, 6, 2, 2])
      expect(told).to.deep.equal([unknown, unknown, 'admitted', 'receipted', 'settled'])
    })

    it('waits while nobody looks', async () => {
      const stop = follow(answering(['admitted']), show)
      await pass(0)
      page.visibilityState = 'hidden'
      expect(await pauses(60)).to.deep.equal([])
      page.visibilityState = 'visible'
      expect((await pauses(4)).length).to.be.greaterThan(0)
      stop()

      expect(await pauses(60)).to.deep.equal([])
    })

    it('says that a router is silent, and asks on', async () => {
      const stop = follow(async () => {
        tries += 1
        if (tries === 1) throw later('router.unreachable', 'silent')
        return { status: 'settled' as const }
      }, show)
      await pass(0)

      expect(await pauses(30)).to.deep.equal([2])
      expect(told).to.deep.equal(['The router does not answer.', 'settled'])
      stop()
    })
  })
})
