import type { Address } from 'viem'
import { type AccusableEconomy, type Case, economyWithCases, readCases } from '../sdk/chain/cases.ts'
import { type Chain, openChain } from '../sdk/chain/clients.ts'
import { readClock } from '../sdk/chain/epochs.ts'
import { asHeuristError } from '../sdk/errors.ts'
import type { Log } from '../sdk/program.ts'
import { isOpen, nextStep, type Step } from '../sdk/protocol/cases.ts'
import { rounds } from './rounds.ts'

/** A case against this node that is not decided, and what may happen next. */
export interface Accusation extends Case {
  step: Step
  /** Until `step` is over; absent where it has no end. */
  secondsLeft?: number
  /** The command of the step. */
  command: string
}

/** Keeps an eye on the cases against a node: whoever does not answer one in time is slashed undisputed. */
export interface CaseWatch {
  /** Asks the chain now, and logs what is new. A failure keeps what was known. */
  look(): Promise<void>
  close(): void
}

export interface CaseDeps {
  node: number
  chainId: number
  rpcUrl: string
  ledger: Address
  /** Between looks. Milliseconds. */
  everyMs: number
  log: Log
}

/** An unanswered case is told again, and louder, when this is left. */
export const LAST_CALL_SECONDS = 86_400

/** What asks a chain for the open cases against a node, each time only those that can still be open. */
export function accusationsOf(chain: Chain, ledger: Address, node: number): () => Promise<Accusation[]> {
  let economy: AccusableEconomy | undefined
  // Every case before it is decided, and a decided one stays so.
  let from = 1
  return async () => {
    economy ??= await economyIfAny(chain, ledger)
    if (!economy) return []
    const [cases, { now }] = await Promise.all([readCases(chain, economy.slashing, from), readClock(chain)])
    const open = cases.filter(isOpen)
    from = open[0]?.id ?? from + cases.length
    return open.filter((one) => one.node === node).flatMap((one) => accusation(one, now))
  }
}

/** undefined where nobody can be accused: there is no economy, or nothing that slashes. */
async function economyIfAny(chain: Chain, ledger: Address): Promise<AccusableEconomy | undefined> {
  return economyWithCases(chain, ledger).catch((cause: unknown) => {
    const { code } = asHeuristError(cause)
    if (code === 'economy.absent' || code === 'cases.absent') return undefined
    throw cause
  })
}

function accusation(one: Case, now: number): Accusation[] {
  const step = nextStep(one, now)
  if (!step) return []
  const left = step.until === undefined ? {} : { secondsLeft: step.until - now }
  return [{ ...one, step, ...left, command: `heurist case ${step.act} ${one.id}` }]
}

/** Looks at once, then again and again. */
export function watchCases(deps: CaseDeps): CaseWatch {
  const { log, everyMs } = deps
  const read = accusationsOf(openChain(deps), deps.ledger, deps.node)
  const told = new Map<number, string>()

  async function look(): Promise<void> {
    try {
      const open = await read()
      for (const one of open) tell(one)
      for (const id of told.keys()) {
        if (open.some((one) => one.id === id)) continue
        told.delete(id)
        log.info({ event: 'case.decided', case: id, fix: `See \`heurist case show ${id}\`.` })
      }
    } catch (cause) {
      log.warn({ event: 'cases.unread', error: asHeuristError(cause).toJSON() })
    }
  }

  /** Each step of a case once, and the owner's last day to dispute once more. */
  function tell(one: Accusation): void {
    const isLastCall = one.step.act === 'dispute' && (one.secondsLeft ?? 0) <= LAST_CALL_SECONDS
    const word = `${one.step.act} ${isLastCall}`
    if (told.get(one.id) === word) return
    told.set(one.id, word)
    const facts = {
      event: 'node.accused',
      case: one.id,
      state: one.state,
      node: one.node,
      amount: one.amount.toString(),
      bond: one.bond.toString(),
      evidence: one.evidence,
      next: one.step.act,
      ...(one.step.until === undefined ? {} : { until: one.step.until, secondsLeft: one.secondsLeft }),
      fix: fixOf(one),
    }
    if (isLastCall) log.error(facts)
    else log.warn(facts)
  }

  return { look, close: rounds(look, () => everyMs, look()) }
}

/** What the node's owner can do. */
export function fixOf({ id, step, command }: Accusation): string {
  if (step.act === 'dispute') {
    return `Look at the evidence, and answer with the owner's key before it is over: ${command}`
  }
  if (step.act === 'lapse') return `Its time is over; free the stake that it froze: ${command}`
  if (step.act === 'judge') return `The judge decides; see heurist case show ${id}`
  return `Whoever wants may slash the node for it now; see heurist case show ${id}`
}
