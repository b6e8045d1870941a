import type { Address } from 'viem'
import type { Chain, Sender } from '../../sdk/chain/clients.ts'
import { type Act, type Cycle, type CyclePlace, dueActs, readCycle } from '../../sdk/chain/cycle.ts'
import { asHeuristError, later } from '../../sdk/errors.ts'
import type { Duty } from '../duty.ts'
import type { Log } from '../world.ts'
import type { ReportStore } from './reports.ts'

export interface CycleDeps {
  chain: Chain
  place: CyclePlace
  routers: readonly Address[]
  /** What this keeper has reported. */
  reports: ReportStore
  sender: Sender
  log: Log
}

interface Seen {
  cycle: Cycle
  place: CyclePlace
}

/** What another keeper did first is no failure of this one. */
const DONE_ALREADY = new Set(['chain.reverted'])

/**
 * Turns the epochs: gathers fees, closes rewards, records nodes and
 * what it reported of them, finalizes. Nobody has a right to it, so that it never
 * depends on one machine; doing it twice is harmless, because the contracts pass over what is done.
 */
export const cycleDuty: Duty<Seen, Act[], CycleDeps> = {
  name: 'epoch',
  async observe({ chain, place, routers, reports }) {
    return { cycle: await readCycle(chain, place, routers, (epoch) => reports.read(epoch)), place }
  },
  decide({ cycle, place }) {
    const acts = dueActs(cycle, place)
    return acts.length > 0 ? acts : undefined
  },
  async act(acts, { sender, log }) {
    let done = 0
    for (const { name, what, call } of acts) {
      try {
        const { transactionHash, gasUsed } = await sender.send(call)
        done += 1
        log.info({ event: 'epoch.act', act: name, what, tx: transactionHash, gas: gasUsed.toString() })
      } catch (cause) {
        const error = asHeuristError(cause)
        if (!DONE_ALREADY.has(error.code)) throw error
        log.warn({ event: 'epoch.refused', act: name, what, ...error.toJSON() })
      }
    }
    // Else the next round would be at once, and like this one.
    if (done === 0) throw later('epoch.refused', 'the chain refused all that seemed to be due')
    return { acts: acts.length, done }
  },
}
