import { asHeuristError } from '../sdk/errors.ts'
import type { Log, World } from './world.ts'

/**
 * One duty of a keeper: it looks, decides, acts. Policy lives in `decide`, which is pure. Doing it twice is
 * harmless, losing the process loses nothing.
 */
export interface Duty<Seen, Plan, Deps> {
  readonly name: string
  observe(deps: Deps): Promise<Seen>
  /** @returns undefined when there is nothing to do. */
  decide(seen: Seen): Plan | undefined
  /** @returns what was done, for the log. */
  act(plan: Plan, deps: Deps): Promise<Record<string, string | number | boolean>>
}

export interface RunningDuty {
  /** Looks again at once instead of at the next tick. */
  wake(): void
  /** Resolves when the round in progress has ended; none follows. */
  stop(): Promise<void>
}

/** One round. */
export async function once<Seen, Plan, Deps>(
  duty: Duty<Seen, Plan, Deps>,
  deps: Deps,
  log: Log,
): Promise<boolean> {
  const plan = duty.decide(await duty.observe(deps))
  if (plan === undefined) return false
  log.info({ event: `${duty.name}.done`, ...(await duty.act(plan, deps)) })
  return true
}

/** The longest pause after failures in a row. */
const MAX_BACKOFF_MS = 30_000

/**
 * Rounds for ever: again at once while there is work, else after `everyMs`; after a failure with growing pauses.
 * A failure never ends the duty: the chain may be down for a day.
 */
export function keepDoing<Seen, Plan, Deps>(
  duty: Duty<Seen, Plan, Deps>,
  deps: Deps,
  world: Pick<World, 'timers' | 'log'>,
  everyMs: number,
): RunningDuty {
  let stopped = false
  let failures = 0
  let running: Promise<void> | undefined
  let cancel = world.timers.after(0, start)

  function start(): void {
    if (!running) running = round()
  }

  async function round(): Promise<void> {
    let pauseMs = everyMs
    try {
      if (await once(duty, deps, world.log)) pauseMs = 0
      failures = 0
    } catch (cause) {
      const error = asHeuristError(cause)
      failures += 1
      pauseMs = Math.min(MAX_BACKOFF_MS, everyMs * 2 ** Math.min(failures, 12))
      const line = { event: `${duty.name}.failed`, ...error.toJSON(), failures, retryMs: pauseMs }
      if (error.kind === 'later') world.log.warn(line)
      else world.log.error(line)
    }
    running = undefined
    if (!stopped) cancel = world.timers.after(pauseMs, start)
  }

  return {
    wake() {
      if (stopped || running || failures > 0) return
      cancel()
      cancel = world.timers.after(0, start)
    },
    async stop() {
      stopped = true
      cancel()
      await running
    },
  }
}
