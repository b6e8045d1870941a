import { asHeuristError, type HeuristError, later } from '../sdk/errors.ts'
import type { Log } from '../sdk/program.ts'
import type { SlotState } from '../sdk/protocol/link.ts'
import type { Provider, Work } from './engines/engine.ts'
import type { Pod } from './pods.ts'
import { type Loaded, type SlotProcess, startSlotProcess } from './slot/process.ts'

export interface SlotSpec {
  /** Unique in this worker, e.g. `chat.0`. */
  id: string
  pod: Pod
  /** Loaded at once and kept loaded; else on its first job, until it has idled for the manifest's time. */
  warm: boolean
  /** Tried in the order of the engines, cuda first; the manifest allows each. */
  providers: Provider[]
  /** What the slot's process may see of the machine. */
  environment: Record<string, string>
}

export interface SlotTimes {
  /** A process that ignores a cancel for so long is killed. */
  killAfterMs: number
  /** First pause after a crash; it doubles up to `backoffMostMs`. */
  backoffMs: number
  backoffMostMs: number
  loadMs: number
}

export const SLOT_TIMES: SlotTimes = {
  killAfterMs: 5_000,
  backoffMs: 500,
  backoffMostMs: 60_000,
  loadMs: 600_000,
}

export interface SlotRun {
  input: Uint8Array
  windowBytes: number
  onChunk(bytes: Uint8Array): void
  /** The engine really starts now: the pod is loaded. */
  onStart(): void
  signal: AbortSignal
}

interface Warm {
  slotProcess: SlotProcess
  provider: Provider
}

export interface SlotResult {
  work: Work
  /** The execution provider that did it. */
  provider: Provider
}

/** Timers of Node fire at once when they are longer. */
export const MOST_TIMER_MS = 2 ** 31 - 1

/** One pod on one GPU slice: at most one process, at most one job. A crash costs that job and nothing else. */
export class Slot {
  readonly id: string
  readonly pod: Pod
  /** Called when `stateFor` would say something new. */
  onChange: () => void = () => {}
  readonly #spec: SlotSpec
  readonly #times: SlotTimes
  readonly #log: Log
  #state: SlotState['state'] = 'cold'
  #process: SlotProcess | undefined
  #warming: Promise<Warm> | undefined
  #loaded: Pick<SlotState, 'provider' | 'loadMs'> = {}
  #claimed = false
  #failures = 0
  #pause: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  /** Resolves when an unloaded process is gone. */
  #leaving: Promise<void> | undefined
  #closed = false

  constructor(spec: SlotSpec, log: Log, times: SlotTimes = SLOT_TIMES) {
    this.id = spec.id
    this.pod = spec.pod
    this.#spec = spec
    this.#times = times
    this.#log = log
  }

  /** A job claimed now starts now, or when the pod is loaded. */
  get free(): boolean {
    return !this.#claimed && !this.#closed && this.#pause === undefined
  }

  get provider(): SlotState['provider'] {
    return this.#loaded.provider
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** @param pod  The pod's number on chain. */
  stateFor(pod: number): SlotState {
    return {
      slot: this.id,
      pod,
      manifest: this.pod.hash,
      state: this.#state,
      free: this.free,
      ...this.#loaded,
    }
  }

  /** Loads ahead of the first job if this slot is to be warm. A failure is logged and tried again. */
  start(): void {
    if (this.#spec.warm) this.#warm().catch(() => {})
  }

  /** Takes the slot for one job; `release` gives it back. */
  claim(): void {
    this.#claimed = true
    clearTimeout(this.#idle)
    this.onChange()
  }

  release(): void {
    this.#claimed = false
    this.#sleepLater()
    this.onChange()
  }

  /**
   * Runs a job in the claimed slot.
   *
   * @throws what loading or the engine throws; `slot.crashed` (later) if the process dies or had to be killed;
   *         `signal.reason` if it aborts before the engine started.
   */
  async run(job: SlotRun): Promise<SlotResult> {
    const { signal } = job
    const { slotProcess, provider } = await orAborted(this.#warm(), signal)
    signal.throwIfAborted()
    job.onStart()
    let killer: NodeJS.Timeout | undefined
    const onAbort = () => {
      slotProcess.cancel()
      killer = setTimeout(() => this.#kill(slotProcess, 'it ignored a cancel'), this.#times.killAfterMs)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const work = await slotProcess.run(job.input, job.windowBytes, job.onChunk)
      this.#failures = 0
      return { work, provider }
    } finally {
      clearTimeout(killer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  credit(bytes: number): void {
    this.#process?.credit(bytes)
  }

  /** Ends the process, if any, by force after `graceMs`; the slot takes no more jobs. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#pause)
    clearTimeout(this.#idle)
    await Promise.all([this.#process?.close(graceMs), this.#leaving])
  }

  #warm(): Promise<Warm> {
    const { provider } = this.#loaded
    if (this.#process && provider) return Promise.resolve({ slotProcess: this.#process, provider })
    this.#warming ??= this.#load().finally(() => {
      this.#warming = undefined
    })
    return this.#warming
  }

  async #load(): Promise<Warm> {
    // Two processes at once would need the memory twice.
    await this.#leaving
    if (this.#closed) throw later('worker.stopping', 'The worker is stopping.')
    const slotProcess = startSlotProcess(this.#spec.environment, (line) =>
      this.#log.debug({ event: 'slot.printed', slot: this.id, line }),
    )
    this.#process = slotProcess
    void slotProcess.exited.then((error) => this.#ended(slotProcess, error))
    this.#become('loading')
    const timer = setTimeout(() => this.#kill(slotProcess, 'it did not load in time'), this.#times.loadMs)
    let loaded: Loaded
    try {
      loaded = await slotProcess.load(this.pod.folder, this.pod.manifest, this.#spec.providers)
    } catch (error) {
      // Only one ending is told: a process that cannot load is let go here, not reported as a crash as well.
      if (this.#process === slotProcess) this.#process = undefined
      await slotProcess.close(0)
      if (this.#closed) throw later('worker.stopping', 'The worker is stopping.')
      this.#failed(asHeuristError(error))
      throw error
    } finally {
      clearTimeout(timer)
    }
    this.#loaded = loaded
    this.#log.info({ event: 'slot.loaded', slot: this.id, pid: slotProcess.pid, ...loaded })
    this.#become('warm')
    this.#sleepLater()
    return { slotProcess, provider: loaded.provider }
  }

  #kill(slotProcess: SlotProcess, why: string): void {
    this.#log.error({ event: 'slot.killed', slot: this.id, pid: slotProcess.pid, why })
    slotProcess.kill()
  }

  #become(state: SlotState['state']): void {
    this.#state = state
    this.onChange()
  }

  /** The process is gone without our asking. */
  #ended(slotProcess: SlotProcess, error: HeuristError): void {
    if (this.#process !== slotProcess || this.#state !== 'warm') return
    this.#process = undefined
    if (!this.#closed) this.#failed(error)
  }

  /** Pauses before the next load, longer each time in a row. */
  #failed(error: HeuristError): void {
    const pauseMs = Math.min(this.#times.backoffMs * 2 ** this.#failures, this.#times.backoffMostMs)
    this.#failures += 1
    this.#log.error({ event: 'slot.failed', slot: this.id, error: error.toJSON(), pauseMs })
    this.#loaded = {}
    if (this.#closed) return
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.onChange()
      this.start()
    }, pauseMs)
    this.#become('cold')
  }

  #sleepLater(): void {
    clearTimeout(this.#idle)
    if (this.#spec.warm || this.#claimed || this.#state !== 'warm') return
    const idleMs = this.pod.manifest.scaling.idleSeconds * 1000
    this.#idle = setTimeout(() => this.#sleep(), Math.min(idleMs, MOST_TIMER_MS))
  }

  #sleep(): void {
    const slotProcess = this.#process
    if (!slotProcess || this.#claimed) return
    this.#log.info({ event: 'slot.unloaded', slot: this.id, pid: slotProcess.pid })
    this.#process = undefined
    this.#loaded = {}
    this.#leaving = slotProcess.close(this.#times.killAfterMs)
    this.#become('cold')
  }
}

/** The promise, or the signal's reason if that comes first; the work itself goes on. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
