import type { Address, Hex } from 'viem'
import { refused } from './errors.ts'
import {
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

/**
 * One account's money as its owner sees it: what it signed, what it verified. What a call may cost counts from the moment
 * its signing begins; nothing leaves this machine before its entry is durable, and entries become durable in order.
 */
export interface Purse {
  readonly payer: Address
  /** Own sum of verified receipts, base units. */
  readonly charged: bigint
  readonly count: number
  readonly pending: readonly PendingCall[]
  /** Whether it was signed here and is not decided yet. */
  isPending(request: Hex): boolean
  /**
   * Signs for one call. The voucher is in the journal before it is returned.
   *
   * @param beside  Awaited as well, while the journal is written: if it fails, the call is not made and nothing is at stake.
   */
  reserve(message: Request, beside?: (signed: SignedVoucher) => void | Promise<void>): Promise<SignedVoucher>
  /** The most the router may have charged before this call's receipt. */
  mostBefore(request: Hex): bigint
  /** The most receipts the router may have counted before this call's. */
  mostCount(request: Hex): bigint
  /** Adds a verified receipt's price, once. */
  book(request: Hex, answer: Countersigned): Promise<void>
  release(request: Hex, code: string): Promise<void>
  reject(request: Hex, code: string): Promise<void>
  leave(request: Hex, read: bigint): Promise<void>
  /** This key signs nothing more. */
  retire(code: string): Promise<void>
  /** Resolves once nothing is pending. */
  idle(): Promise<void>
  /** Gives the journal back; nothing is signed from then on. */
  close(): Promise<void>
}

export interface SignedVoucher {
  request: Hex
  voucher: Voucher
  signature: Hex
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

  /**
   * What is decided and not written yet: it waits a moment, or the disk did not take it. A journal without it has the call
   * open, and its next start asks what became of it.
   */
  let unwritten: { entry: JournalEntry; order: number }[] = []
  let orders = 0
  let soon: ReturnType<typeof setTimeout> | undefined
  const willWrite = (entry: JournalEntry) => unwritten.push({ entry, order: orders++ })

  /** Writes what is unwritten, in order, and an entry after it. What the disk does not take is tried again with the next. */
  async function write(...entries: JournalEntry[]): Promise<void> {
    clearTimeout(soon)
    soon = undefined
    const taken = unwritten
    unwritten = []
    try {
      await log.append(...taken.map(({ entry }) => entry), ...entries)
    } catch (cause) {
      unwritten = [...taken, ...unwritten].sort((one, other) => one.order - other.order)
      throw cause
    }
  }
  const writeLeft = () => write().catch(() => undefined)

  /**
   * What no call in flight waits for any more is not written twice. A full disk changes nothing about what a call came to:
   * whoever made it is not told that it failed.
   */
  async function decide(entry: JournalEntry & { request: Hex }): Promise<void> {
    if (!book.pending.has(entry.request)) return
    enter(book, entry)
    willWrite(entry)
    if (entry.type === 'booked' && log.lingerMs !== undefined) {
      soon ??= setTimeout(writeLeft, log.lingerMs)
    } else {
      await writeLeft()
    }
    tellIdle()
  }

  let isClosed = false
  const waiting = new Set<() => void>()
  function tellIdle(): void {
    if (book.pending.size > 0) return
    for (const go of waiting) go()
    waiting.clear()
  }

  async function reserve(message: Request, beside?: (signed: SignedVoucher) => void | Promise<void>) {
    if (isClosed) throw closed()
    if (book.retired !== undefined) throw retired(payer, book.retired)
    const request = hasher.struct('Request', message)
    const ceiling = book.charged + book.atStake + message.maxPrice
    const voucher = { router, ceiling, expiry: Math.floor(now() / 1000) + VOUCHER_SECONDS, request }
    const entry: JournalEntry = { type: 'signed', at: now(), request, message, voucher }
    enter(book, entry)
    try {
      const signature = await signVoucher(voucher)
      const signed = { request, voucher, signature }
      await Promise.all([write(entry), beside?.(signed)])
      return signed
    } catch (cause) {
      // Nobody has seen the voucher. If the journal has it, the next start asks for it in vain and lets it go.
      enter(book, { type: 'released', at: now(), request, code: 'voucher.unsigned' })
      tellIdle()
      throw cause
    }
  }

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
    isPending: (request) => book.pending.has(request),
    reserve,
    mostBefore(request) {
      const own = book.pending.get(request)?.message.maxPrice ?? 0n
      return book.charged + book.atStake - own
    },
    mostCount: (request) => BigInt(book.count + book.pending.size - (book.pending.has(request) ? 1 : 0)),
    book: (request, answer) => decide({ type: 'booked', at: now(), request, answer }),
    release: (request, code) => decide({ type: 'released', at: now(), request, code }),
    reject: (request, code) => decide({ type: 'rejected', at: now(), request, code }),
    leave: (request, read) => decide({ type: 'left', at: now(), request, read }),
    async retire(code) {
      const entry: JournalEntry = { type: 'retired', at: now(), code }
      enter(book, entry)
      willWrite(entry)
      await writeLeft()
    },
    idle: () =>
      new Promise((resolve) => {
        waiting.add(resolve)
        tellIdle()
      }),
    async close() {
      isClosed = true
      if (unwritten.length > 0) await writeLeft()
      return log.close()
    },
  }
}

/** What a client that was closed says: the key may be another one's by now. */
export const closed = () =>
  refused('client.closed', 'this client was closed, and signs nothing more', {
    fix: 'Make another one with `createClient`.',
  })

const retired = (payer: Address, code: string) =>
  refused('key.retired', `the key ${payer} is retired: ${code}`, {
    fix: 'Use a new key; thaw and withdraw what this one still holds.',
    details: { reason: code },
  })
