import { mock } from 'node:test'
import { expect } from 'chai'
import { retried } from '../../apps/web/src/network/retried.ts'
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
})
