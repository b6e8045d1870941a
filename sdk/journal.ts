import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { refused } from './errors.ts'
import { countersignedSchema, hashSchema, requestSchema, toWire, voucherSchema } from './protocol/wire.ts'

/**
 * What a client must never forget: every voucher it signed and every receipt it verified. The sum of the latter is
 * `charged`, the client's own figure; no figure of a router ever raises it. One key belongs to one process: a journal is
 * opened exclusively, and a lost journal means a new key.
 */

/** The account a journal is about: what a key has with one router on one ledger. */
export interface AccountId {
  chainId: number
  ledger: Address
  router: Address
  payer: Address
}

const decimal = z
  .string()
  .regex(/^\d{1,39}$/)
  .transform(BigInt)
const at = z.number().int().nonnegative()

const signedSchema = z.object({ request: hashSchema, message: requestSchema, voucher: voucherSchema })
/** `left`: output bytes read before the client left; absent if it did not say that it leaves. */
const pendingSchema = signedSchema.extend({ left: z.exactOptional(decimal) })

export const entrySchema = z.discriminatedUnion('type', [
  /** First line of every file. `charged` and what is pending come from an archived file before it. */
  z.object({
    type: z.literal('opened'),
    at,
    version: z.literal(1),
    account: z.object({ chainId: z.number(), ledger: z.string(), router: z.string(), payer: z.string() }),
    charged: decimal,
    count: z.number().int().nonnegative(),
    pending: z.array(pendingSchema),
    retired: z.exactOptional(z.string()),
  }),
  /** A voucher that may leave this machine now. */
  signedSchema.extend({ type: z.literal('signed'), at }),
  /** The client closed the connection after reading so many output bytes. */
  z.object({ type: z.literal('left'), at, request: hashSchema, read: decimal }),
  /** A verified receipt: its price is charged. */
  z.object({ type: z.literal('booked'), at, request: hashSchema, answer: countersignedSchema }),
  /** The call failed or was never served: nothing is owed. */
  z.object({ type: z.literal('released'), at, request: hashSchema, code: z.string() }),
  /** The answer did not hold: nothing is charged, and the router will see it otherwise. */
  z.object({ type: z.literal('rejected'), at, request: hashSchema, code: z.string() }),
  /** This key signs nothing more. */
  z.object({ type: z.literal('retired'), at, code: z.string() }),
])
export type JournalEntry = z.output<typeof entrySchema>

/** Where journals are kept: files in Node; anything that can append durably elsewhere. */
export interface Journal {
  /**
   * Opens the account's journal for this process alone.
   *
   * @throws `journal.locked` (refused) while somebody else has it, `journal.damaged` (refused).
   */
  open(account: AccountId): Promise<JournalLog>
}

export interface JournalLog {
  /** All that was appended before, oldest first. */
  readonly entries: readonly JournalEntry[]
  /** Resolves once the entries survive a power loss: all of them or none. Entries stay in order. */
  append(...entries: JournalEntry[]): Promise<void>
  /**
   * A verified receipt may wait so long for company, milliseconds: if the process dies meanwhile, the next one asks the router
   * for it. Absent: it is written before anybody has its answer.
   */
  readonly lingerMs?: number
  /** Gives the journal back. Harmless when given back already. */
  close(): Promise<void>
}

export const encodeEntry = (entry: JournalEntry): string => `${toWire(entry)}\n`

/** @throws `journal.damaged` (refused). */
export function decodeEntry(line: string): JournalEntry {
  try {
    return entrySchema.parse(JSON.parse(line))
  } catch (cause) {
    throw refused('journal.damaged', 'a line of the journal cannot be read', {
      fix: 'Use a new key; thaw and withdraw what this one still holds.',
      cause,
    })
  }
}

/** A call that was signed for and is not settled between client and router yet: its maxPrice is at stake. */
export type PendingCall = z.output<typeof pendingSchema>

/** What the entries add up to. */
export interface Book {
  /** Sum of the prices of all verified receipts, base units. Never falls. */
  charged: bigint
  /** Verified receipts. */
  count: number
  pending: Map<Hex, PendingCall>
  /** The most that those may still cost, base units. */
  atStake: bigint
  /** Why this key signs nothing more; an error code. */
  retired?: string
}

export const emptyBook = (): Book => ({ charged: 0n, count: 0, pending: new Map(), atStake: 0n })

/** Adds one entry. An answer counts once, however often it comes. */
export function enter(book: Book, entry: JournalEntry): void {
  switch (entry.type) {
    case 'opened':
      book.charged = entry.charged
      book.count = entry.count
      book.pending = new Map(entry.pending.map((call) => [call.request, call]))
      book.atStake = entry.pending.reduce((sum, { message }) => sum + message.maxPrice, 0n)
      if (entry.retired !== undefined) book.retired = entry.retired
      return
    case 'signed':
      drop(book, entry.request)
      book.pending.set(entry.request, {
        request: entry.request,
        message: entry.message,
        voucher: entry.voucher,
      })
      book.atStake += entry.message.maxPrice
      return
    case 'left': {
      const call = book.pending.get(entry.request)
      if (call) call.left = entry.read
      return
    }
    case 'booked':
      if (!drop(book, entry.request)) return
      book.charged += entry.answer.receipt.price
      book.count += 1
      return
    case 'released':
    case 'rejected':
      drop(book, entry.request)
      return
    case 'retired':
      book.retired ??= entry.code
  }
}

/** @returns whether it was open. */
function drop(book: Book, request: Hex): boolean {
  const call = book.pending.get(request)
  if (call === undefined) return false
  book.pending.delete(request)
  book.atStake -= call.message.maxPrice
  return true
}

/** First entry of a journal: all that the book knows, so that older files need not be read again. */
export const openingEntry = (account: AccountId, book: Book, now: number): JournalEntry => ({
  type: 'opened',
  at: now,
  version: 1,
  account,
  charged: book.charged,
  count: book.count,
  pending: [...book.pending.values()],
  ...(book.retired === undefined ? {} : { retired: book.retired }),
})

/**
 * A journal that dies with the process. Ask for it only where a lost key does not matter, and use a fresh key each time:
 * after a restart the router knows more about the account than its owner.
 */
export function memoryJournal(): Journal {
  const logs = new Map<string, JournalEntry[]>()
  const open = new Set<string>()
  return {
    async open(account) {
      const name = toWire(account).toLowerCase()
      if (open.has(name)) throw locked(account.payer)
      open.add(name)
      const entries = logs.get(name) ?? []
      logs.set(name, entries)
      return {
        entries: [...entries],
        async append(...more) {
          entries.push(...more)
        },
        async close() {
          open.delete(name)
        },
      }
    },
  }
}

/** The one error of every exclusive journal. */
export const locked = (payer: Address, owner?: string) =>
  refused('journal.locked', `another client uses the key ${payer}${owner ? ` (${owner})` : ''}`, {
    fix: 'One key belongs to one process: give each process a key of its own.',
  })
