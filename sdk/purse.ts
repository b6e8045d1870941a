import type { Address, Hex } from 'viem'
import { refused } from './errors.ts'
import {
  atStake,
  type Book,
  emptyBook,
  enter,
  type JournalEntry,
  type JournalLog,
  type PendingCall,
} from './journal.ts'
import type { Hasher, Request, Voucher } from './protocol/messages.ts'
import type { Countersigned } from './protocol/wire.ts'

/** Seconds that a voucher lives: long enough for the router to post it, at most seven days. */
export const VOUCHER_SECONDS = 72 * 3_600

/** One account's money as its owner sees it: what it signed, what it verified. Every change is durable first. */
export interface Purse {
  readonly payer: Address
  /** Own sum of verified receipts, base units. */
  readonly charged: bigint
  readonly count: number
  readonly pending: readonly PendingCall[]
  /** Signs for one call. The voucher is in the journal before it is returned. */
  reserve(message: Request): Promise<{ request: Hex; voucher: Voucher; signature: Hex }>
  /** The most the router may have charged before this call's receipt. */
  mostBefore(request: Hex): bigint
  book(request: Hex, answer: Countersigned): Promise<void>
  release(request: Hex, code: string): Promise<void>
  reject(request: Hex, code: string): Promise<void>
  leave(request: Hex, read: bigint): Promise<void>
  /** This key signs nothing more. */
  retire(code: string): Promise<void>
  close(): Promise<void>
}

export interface PurseOptions {
  log: JournalLog
  payer: Address
  router: Address
  hasher: Hasher
  signVoucher(voucher: Voucher): Promise<Hex>
  /** Unix milliseconds. */
  now(): number
}

export function openPurse({ log, payer, router, hasher, signVoucher, now }: PurseOptions): Purse {
  const book: Book = emptyBook()
  for (const entry of log.entries) enter(book, entry)

  // Entries apply in the order in which they become durable.
  let queue: Promise<unknown> = Promise.resolve()
  function inOrder<T>(task: () => Promise<T>): Promise<T> {
    const turn = queue.then(task)
    queue = turn.catch(() => undefined)
    return turn
  }
  const write = (entry: JournalEntry) =>
    inOrder(async () => {
      await log.append(entry)
      enter(book, entry)
    })

  return {
    payer,
    get charged() {
      return book.charged
    },
    get count() {
      return book.count
    },
    get pending() {
      return [...book.pending.values()]
    },
    reserve: (message) =>
      inOrder(async () => {
        if (book.retired !== undefined) {
          throw refused('key.retired', `the key ${payer} is retired: ${book.retired}`, {
            fix: 'Use a new key; thaw and withdraw what this one still holds.',
          })
        }
        const request = hasher.struct('Request', message)
        const ceiling = book.charged + atStake(book) + message.maxPrice
        const voucher = { router, ceiling, expiry: Math.floor(now() / 1000) + VOUCHER_SECONDS, request }
        const signature = await signVoucher(voucher)
        const entry: JournalEntry = { type: 'signed', at: now(), request, message, voucher }
        await log.append(entry)
        enter(book, entry)
        return { request, voucher, signature }
      }),
    mostBefore(request) {
      const own = book.pending.get(request)?.message.maxPrice ?? 0n
      return book.charged + atStake(book) - own
    },
    book: (request, answer) => write({ type: 'booked', at: now(), request, answer }),
    release: (request, code) => write({ type: 'released', at: now(), request, code }),
    reject: (request, code) => write({ type: 'rejected', at: now(), request, code }),
    leave: (request, read) => write({ type: 'left', at: now(), request, read }),
    retire: (code) => write({ type: 'retired', at: now(), code }),
    async close() {
      await queue
      await log.close()
    },
  }
}
