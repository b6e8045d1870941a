import type { Logger } from 'pino'
import type { Books } from './books.ts'
import type { Cashier, Collected } from './cashier.ts'
import { requirementsOf, type Terms } from './terms.ts'

/** Between two attempts, growing. Milliseconds. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 15_000

export type Final = Extract<Collected, { is: 'settled' | 'lost' }>

/** Takes what is due, until it is here or never will be. */
export interface Settler {
  /**
   * Resolves once it is known, however long that takes; never, if the gateway stops before. Asking again joins who asked
   * before.
   */
  settle(id: string): Promise<Final>
  /** Goes on with what an earlier process left due. */
  resume(): void
  stop(): void
}

/** What a gateway that stops promises. */
const forever = new Promise<never>(() => {})

export interface SettlerDeps {
  books: Books
  cashier: Cashier
  terms: Terms
  log: Pick<Logger, 'info' | 'warn'>
}

export function openSettler({ books, cashier, terms, log }: SettlerDeps): Settler {
  const running = new Map<string, Promise<Final>>()
  let stopped = false

  async function untilFinal(id: string): Promise<Final> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const entry = books.find(id)
      if (entry?.state === 'settled') return { is: 'settled', transaction: entry.transaction ?? '0x' }
      if (entry?.state !== 'due') return { is: 'lost', why: 'it is not in the books' }
      const { payment, since } = entry
      const requirements = { ...requirementsOf(terms, payment.amount), payTo: payment.to }
      const collected = await cashier.collect(payment, requirements, since, {
        sent: () => books.find(id)?.sent ?? [],
        sending: (transaction) => books.sending(id, transaction),
      })
      if (stopped) return forever
      if (collected.is === 'settled' || collected.is === 'lost') return close(id, collected)
      // Nobody has seen this answer yet: it is withheld instead of waited for.
      if (collected.is === 'unfunded' && books.find(id)?.ahead === false)
        return close(id, { is: 'lost', why: collected.why })
      log.warn({ event: 'payment.waits', payment: id, why: collected.why })
      await new Promise<void>((resolve) => setTimeout(resolve, pause).unref())
      if (stopped) return forever
    }
  }

  function close(id: string, final: Final): Final {
    if (final.is === 'settled') books.settled(id, final.transaction)
    else books.lost(id)
    const level = final.is === 'settled' ? 'info' : 'warn'
    log[level]({ event: `payment.${final.is}`, payment: id, ...final })
    return final
  }

  function settle(id: string): Promise<Final> {
    const known = running.get(id)
    if (known !== undefined) return known
    const attempt = untilFinal(id).finally(() => running.delete(id))
    running.set(id, attempt)
    return attempt
  }

  return {
    settle,
    resume() {
      for (const id of books.due()) void settle(id)
    },
    stop() {
      stopped = true
    },
  }
}
