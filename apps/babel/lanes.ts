import { later } from '../../sdk/errors.ts'

export interface Lanes {
  /**
   * Makes something now, and ends with it after all that was given to the same lane before.
   *
   * @throws `bridge.full` (later), before anything is made.
   */
  take<Made>(name: string, make: () => Promise<Made>, end: (made: Made) => Promise<void>): Promise<void>
}

/** What one channel may have waiting for another. */
const MOST_WAITING = 50

/** What is said in a channel arrives in the order in which it was said. */
export function openLanes(): Lanes {
  const lanes = new Map<string, { tail: Promise<unknown>; waiting: number }>()

  return {
    async take(name, make, end) {
      const lane = lanes.get(name) ?? { tail: Promise.resolve(), waiting: 0 }
      if (lane.waiting >= MOST_WAITING) {
        throw later(
          'bridge.full',
          `More than ${MOST_WAITING} messages wait to be carried from this channel.`,
          {
            fix: 'Those that were said meanwhile are left out.',
          },
        )
      }
      lanes.set(name, lane)
      lane.waiting += 1
      const made = make()
      made.catch(() => undefined)
      const turn = lane.tail.then(async () => end(await made))
      lane.tail = turn.catch(() => undefined)
      try {
        await turn
      } finally {
        lane.waiting -= 1
        if (lane.waiting === 0) lanes.delete(name)
      }
    },
  }
}
