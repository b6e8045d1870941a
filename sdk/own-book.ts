import type { Address, Hex } from 'viem'
import { type Check, no, unchecked, yes } from './checks.ts'
import { asHeuristError, type HeuristError } from './errors.ts'
import { type AccountId, emptyBook, enter, type JournalEntry } from './journal.ts'
import type { SettledBatch } from './settlement.ts'
import { formatUsd } from './units.ts'

/** What a payer's own client counts, as `Client.balance` has it, base units. */
export interface OwnBook {
  /** For all calls whose receipts it holds. */
  charged: bigint
  /** At most so much for calls whose end it does not know. */
  held: bigint
  /** What its Ack of a call says that was charged in all; `open` if it waits for one, undefined if it made no such call. */
  chargedAt?(request: Hex): bigint | 'open' | undefined
}

/**
 * What a journal's entries add up to.
 *
 * @param archived  Entries before the first of `entries`; undefined if they are gone: then it is not known which calls were
 *   made.
 */
export function ownBookOf(
  entries: readonly JournalEntry[],
  archived: readonly JournalEntry[] | undefined,
): OwnBook {
  const book = emptyBook()
  for (const entry of entries) enter(book, entry)
  const totals = { charged: book.charged, held: book.atStake }
  if (archived === undefined) return totals
  const booked = new Map<Hex, bigint>()
  for (const entry of [...archived, ...entries])
    if (entry.type === 'booked') booked.set(entry.request, entry.answer.ack.charged)
  const chargedAt = (request: Hex) =>
    booked.get(request) ?? (book.pending.has(request) ? ('open' as const) : undefined)
  return { ...totals, chargedAt }
}

/** Looks for a payer's journal; undefined where it is not. Read once the chain was: calls may go on meanwhile. */
export type JournalReader = (account: AccountId) => Promise<OwnBook | undefined>

/** @throws what can be mended by waiting; what the owner must mend is returned: it is no lie of the router. */
export async function bookOf(
  account: AccountId,
  journal: JournalReader | undefined,
): Promise<Pick<Debits, 'book' | 'unread'>> {
  try {
    return { book: await journal?.(account), unread: undefined }
  } catch (cause) {
    const unread = asHeuristError(cause)
    if (unread.kind !== 'refused') throw cause
    return { book: undefined, unread }
  }
}

interface Debits {
  payer: Address
  /** All that the ledger ever debited for this router, base units. */
  spent: bigint
  batch: Pick<SettledBatch, 'seq' | 'own'>
  book: OwnBook | undefined
  /** Why there is a journal and no book. */
  unread: HeuristError | undefined
}

/** The payer made each call of the batch that names it, and was debited no more in all than its calls cost. */
export function checkJournal({ payer, spent, batch, book, unread }: Debits): Check {
  const all = `${payer} was debited $${formatUsd(spent)} in all`
  if (unread) return unchecked('journal', `${all}; ${unread.code}: ${unread.message}`)
  if (!book) {
    return unchecked(
      'journal',
      `${all}: that it made those calls, its own journal alone tells; verify where it called`,
    )
  }
  const { charged, held } = book
  const counts = `its own journal counts $${formatUsd(charged)} and $${formatUsd(held)} at stake`
  const lie = book.chargedAt && lieOf(payer, batch, book.chargedAt)
  if (lie) return no('journal', lie)
  if (spent > charged + held) return no('journal', `debit.over: ${all}, and ${counts}`)
  return spent > charged
    ? unchecked('journal', `${all}, and ${counts}`)
    : yes('journal', `${all}, and ${counts}`)
}

/** The first leaf of the payer that is of no call of its own, or charges another sum than its Ack. */
function lieOf(
  payer: Address,
  { seq, own = [] }: Debits['batch'],
  chargedAt: NonNullable<OwnBook['chargedAt']>,
): string | undefined {
  for (const { request, charged } of own) {
    const known = chargedAt(request)
    const call = `call ${request} in batch ${seq}`
    if (known === undefined) return `leaf.unknown: ${payer} has no receipt of ${call}`
    if (known !== 'open' && known !== charged)
      return `leaf.differs: ${call} charges ${payer} $${formatUsd(charged)} in all, its receipt $${formatUsd(known)}`
  }
  return undefined
}
