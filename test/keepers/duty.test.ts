import { expect } from 'chai'
import { type Duty, keepDoing, once } from '../../keepers/duty.ts'
import type { LogFields } from '../../keepers/world.ts'
import { later } from '../../sdk/errors.ts'

/** A clock that only moves when it is told to. */
function stage() {
  const log: LogFields[] = []
  const pauses: number[] = []
  let due: (() => void) | undefined
  const keep = (fields: LogFields) => void log.push(fields)
  return {
    log,
    pauses,
    world: {
      log: { info: keep, warn: keep, error: keep },
      timers: {
        after(ms: number, run: () => void) {
          pauses.push(ms)
          due = run
          return () => {
            due = undefined
          }
        },
        every: () => () => {},
        soon: (run: () => void) => run(),
      },
    },
    /** Lets the pause end, and what follows from it happen. */
    async pass() {
      const run = due
      due = undefined
      run?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const counting = (work: (round: number) => number | undefined) => {
  let round = 0
  const done: number[] = []
  const duty: Duty<number, number, object> = {
    name: 'count',
    observe: async () => {
      round += 1
      return round
    },
    decide: work,
    async act(plan) {
      done.push(plan)
      return { plan }
    },
  }
  return { duty, done }
}

describe('a duty', () => {
  it('looks, decides and acts, and says what it did', async () => {
    const { world, log } = stage()
    const { duty, done } = counting((round) => round * 10)

    expect(await once(duty, {}, world.log)).to.equal(true)

    expect(done).to.deep.equal([10])
    expect(log).to.deep.equal([{ event: 'count.done', plan: 10 }])
  })

  it('goes on at once while there is work, and rests when there is none', async () => {
    const { world, pauses, pass } = stage()
    const { duty, done } = counting((round) => (round <= 2 ? round : undefined))
    keepDoing(duty, {}, world, 250)

    await pass()
    await pass()
    await pass()

    expect(done).to.deep.equal([1, 2])
    expect(pauses).to.deep.equal([0, 0, 0, 250])
  })

  it('never ends because of a failure: it waits longer after each, and less after a success', async () => {
    const { world, log, pauses, pass } = stage()
    const { duty } = counting((round) => {
      if (round <= 3) throw later('chain.unreachable', 'down')
      return undefined
    })
    keepDoing(duty, {}, world, 250)

    for (let index = 0; index < 5; index += 1) await pass()

    expect(pauses).to.deep.equal([0, 500, 1000, 2000, 250, 250])
    expect(log.map((line) => line.event)).to.deep.equal(Array(3).fill('count.failed'))
    expect(log[0]).to.include({ code: 'chain.unreachable', failures: 1, retryMs: 500 })
  })

  it('stops after the round in progress', async () => {
    const { world, pass } = stage()
    const { duty, done } = counting((round) => round)
    const running = keepDoing(duty, {}, world, 250)
    await pass()

    await running.stop()
    running.wake()
    await pass()

    expect(done).to.deep.equal([1])
  })
})
