import { bug } from '../../../sdk/errors.ts'
import type { Timers } from '../../world.ts'
import type { Ledger, Op } from './ledger.ts'

/** Watches commits: operations per group, and how long the engine took. */
export type CommitObserver = (ops: number, ms: number) => void

interface Waiting {
  ops: readonly Op[]
  resolve: () => void
  reject: (cause: unknown) => void
}

const isAdmission = ({ ops }: Waiting): boolean =>
  ops.length > 0 && ops.every(({ op }) => op === 'job.admitted' || op === 'voucher.kept')

/**
 * Group commit above an engine: whatever is asked for while the input of one tick is handled, or while the
 * engine writes, becomes one transaction, in order. The first failure is the last: order could not be kept after it.
 * Only an admission that contradicts what is written fails alone: nothing was acknowledged of it, nothing rests on it.
 *
 * @param apply     Makes the operations durable as one transaction, or throws and changes nothing.
 * @param conflict  Whether what `apply` threw is the fault of the operations, not of the engine.
 */
export function groupCommits(
  apply: (ops: readonly Op[]) => void | Promise<void>,
  timers: Pick<Timers, 'soon'>,
  observed: CommitObserver = () => {},
  conflict: (cause: unknown) => boolean = () => false,
): { commit: Ledger['commit']; drain(): Promise<void>; abandon(): void } {
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let broken: { cause: unknown } | undefined

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      await write(group)
    }
    writing = undefined
  }

  async function write(group: Waiting[]): Promise<void> {
    const ops = group.flatMap((one) => one.ops)
    const startedAt = performance.now()
    try {
      if (broken) throw broken.cause
      await apply(ops)
      observed(ops.length, performance.now() - startedAt)
      for (const one of group) one.resolve()
    } catch (cause) {
      if (!broken && conflict(cause) && (group.length > 1 || group.every(isAdmission)))
        return writeEach(group)
      broken ??= { cause }
      for (const one of group) one.reject(cause)
    }
  }

  /** In order, each on its own: what contradicts the ledger takes nobody else's down with it. */
  async function writeEach(group: Waiting[]): Promise<void> {
    for (const one of group) {
      try {
        if (broken) throw broken.cause
        await apply(one.ops)
        one.resolve()
      } catch (cause) {
        const alone = !broken && conflict(cause) && isAdmission(one)
        if (!alone) broken ??= { cause }
        one.reject(alone ? bug('ledger.conflict', 'an admission contradicts the ledger', { cause }) : cause)
      }
    }
  }

  return {
    commit(ops) {
      return new Promise((resolve, reject) => {
        waiting.push({ ops, resolve, reject })
        writing ??= new Promise<void>((done) => timers.soon(done)).then(writeAll)
      })
    },
    async drain() {
      await writing
    },
    abandon() {
      broken ??= { cause: new Error('the ledger was abandoned') }
    },
  }
}
