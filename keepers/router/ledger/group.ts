import { bug, later } from '../../../sdk/errors.ts'
import type { Cancel, Timers } from '../../world.ts'
import type { CommitOptions, Ledger, Op } from './ledger.ts'

/** Watches what was made durable: operations in one piece, and how long it took. */
export type CommitObserver = (ops: number, ms: number) => void

/** What a group writes through. */
export interface Engine {
  /**
   * Runs the operations, all or none: from then on reads find them.
   *
   * @throws what the engine says: nothing was changed.
   */
  run(ops: readonly Op[]): void
  /** Resolves once everything that was run would survive a power cut. */
  harden(): Promise<void>
  /** Whether what `run` threw is the fault of the operations, not of the engine. */
  isConflict(cause: unknown): boolean
  /** Nothing is run any more: what was acknowledged must be read back by another start. */
  broken(cause: unknown): void
}

export interface Group {
  commit: Ledger['commit']
  /** Resolves once everything that was run is durable: what reads have found may be told. */
  settled(): Promise<void>
  /** The engine has made everything that was run durable by itself. */
  hardened(): void
  /** Takes nothing more; resolves once everything that was asked for before has been run. */
  end(): Promise<void>
  /** Takes nothing more, and rejects what is not known to be durable. */
  abandon(cause: unknown): void
}

/** What nobody waits for becomes durable after this. */
const SOON_MS = 10

interface Waiting {
  ops: readonly Op[]
  isUrgent: boolean
  resolve: () => void
  reject: (cause: unknown) => void
}

const isAdmission = ({ ops }: Waiting): boolean =>
  ops.length > 0 && ops.every(({ op }) => op === 'job.admitted' || op === 'voucher.kept')

/**
 * Group commit above an engine: whatever is asked for while the input of one tick is handled, or while the
 * engine writes, is run in one piece, in order, and made durable in one with what nobody waited for. The first failure is the
 * last: order could not be kept after it. Only an admission that contradicts what is written fails alone: nothing was
 * acknowledged of it, nothing rests on it.
 */
export function groupCommits(
  engine: Engine,
  timers: Pick<Timers, 'soon' | 'after'>,
  observed: CommitObserver = () => {},
): Group {
  let waiting: Waiting[] = []
  /** Run, and not known to be durable. */
  let soft: Waiting[] = []
  let hardening: Cancel | undefined
  let writing: Promise<void> | undefined
  let broken: { cause: unknown } | undefined
  let isEnded = false

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const startedAt = performance.now()
      run(group)
      if (soft.some(({ isUrgent }) => isUrgent)) await harden(startedAt)
      else hardening ??= timers.after(SOON_MS, () => void commit([]).catch(() => {}))
    }
    writing = undefined
  }

  function breaks(cause: unknown): void {
    if (broken) return
    broken = { cause }
    hardening?.()
    for (const one of soft.splice(0)) one.reject(cause)
    engine.broken(cause)
  }

  function run(group: readonly Waiting[]): void {
    try {
      if (broken) throw broken.cause
      engine.run(group.flatMap(({ ops }) => ops))
      soft.push(...group)
    } catch (cause) {
      if (!broken && engine.isConflict(cause) && (group.length > 1 || group.every(isAdmission))) {
        for (const one of group) runAlone(one)
        return
      }
      breaks(cause)
      for (const one of group) one.reject(cause)
    }
  }

  /** What contradicts the ledger takes nobody else's down with it. */
  function runAlone(one: Waiting): void {
    try {
      if (broken) throw broken.cause
      engine.run(one.ops)
      soft.push(one)
    } catch (cause) {
      const alone = !broken && engine.isConflict(cause) && isAdmission(one)
      if (!alone) breaks(cause)
      one.reject(alone ? bug('ledger.conflict', 'an admission contradicts the ledger', { cause }) : cause)
    }
  }

  async function harden(startedAt: number): Promise<void> {
    const group = soft
    soft = []
    hardening?.()
    hardening = undefined
    try {
      await engine.harden()
      if (broken) throw broken.cause
      observed(
        group.reduce((sum, { ops }) => sum + ops.length, 0),
        performance.now() - startedAt,
      )
      for (const one of group) one.resolve()
    } catch (cause) {
      breaks(cause)
      for (const one of group) one.reject(cause)
    }
  }

  function commit(ops: readonly Op[], { soon = false }: CommitOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (isEnded) return reject(later('ledger.closed', 'The ledger is closed.'))
      waiting.push({ ops, isUrgent: !soon, resolve, reject })
      writing ??= new Promise<void>((done) => timers.soon(done)).then(writeAll)
    })
  }

  return {
    commit,
    async settled() {
      if (broken) throw broken.cause
      if (soft.length > 0 || writing !== undefined) await commit([])
    },
    hardened() {
      for (const one of soft.splice(0)) one.resolve()
    },
    async end() {
      isEnded = true
      await writing
      hardening?.()
    },
    abandon: breaks,
  }
}
