import type { Hex } from 'viem'
import { refused } from '../../../sdk/errors.ts'
import { CHARGE_LIMIT } from '../../../sdk/protocol/price.ts'
import { formatUsd } from '../../../sdk/units.ts'
import { createGroup } from './group.ts'
import { type Opening, openOpenings, readOpenings } from './openings.ts'
import type { Store } from './store.ts'
import { type Counted, sumsOf, type Totals } from './sums.ts'

/** The operator's own account: what its keys cost is counted and never limited. No wallet has this name. */
export const HOUSE = 'house'

/** `available` may be spent now. */
export interface Balance extends Totals {
  available: bigint
}

/** Who a call is for, and the most it can cost. */
export interface Order extends Counted {
  /** The most that this key may ever cost; none = what its account has. */
  quota?: bigint
  pod: string
  /** The longest that the pod works on it. */
  seconds?: number
  most: bigint
}

/** What a call came to. */
export interface Price {
  price: bigint
  unitsIn: bigint
  unitsOut: bigint
}
export const NOTHING: Price = { price: 0n, unitsIn: 0n, unitsOut: 0n }

/** A hold on an account. Closed once: with the price of its receipt, or with nothing. */
export interface Ticket {
  /** Whose account it is on. */
  readonly wallet: string
  /**
   * Resolves once it is durable: from here on the call may cost something. Before it, nothing is owed.
   *
   * @throws `till.unwritable` (later): it is not signed for, and nothing is owed.
   */
  signed(request: Hex): Promise<void>
  readonly request: Hex | undefined
  /** Counts at once and is written a moment later: a process that dies before finds the call open, and its receipt. */
  close(price: Price): void
}

/** A call that was signed and not closed by the process that opened it. */
export interface OpenCall {
  id: number
  request: Hex
  opened: number
}

export interface Till {
  /** Resolves once calls can be opened. @throws `till.unwritable` (later). */
  readonly ready: Promise<void>
  /** @throws `credit.insufficient`, `api_key.quota_exhausted`, `price.too_high` (refused). */
  open(order: Order): Ticket
  balance(wallet: string): Balance
  /** What a key has cost and holds. */
  spentBy(key: string): bigint
  /** What the calls of the last weeks that were counted under this name have cost, and hold. */
  countedBy(name: string): Pick<Balance, 'charged' | 'held'>
  /** Below this an account is told that it has little. Base units; 0 = never. */
  lowMark(wallet: string): bigint
  setLowMark(wallet: string, mark: bigint): void
  /** @returns false if this deposit is booked already. */
  deposit(id: string, wallet: string, amount: bigint): boolean
  /** Signed calls of earlier processes. */
  leftOpen(): OpenCall[]
  closeLeft(id: number, price: Price): void
  /** Writes what waits: for who reads the file itself. */
  flush(): void
  /** Writes what waits; nothing is opened from then on. */
  close(): Promise<void>
}

export interface TillOptions {
  now?: () => number
  /** Told which account after what it was charged, its deposits or its low mark have changed. */
  moved?: (wallet: string) => void
  /** Told when the books do not take what they should. */
  refused?: (cause: unknown) => void
}

/**
 * The books of every account at this door, over one file and what is opened and not in it yet. In memory are only their sums:
 * the files alone say the same.
 *
 * @param dataDir  Of the store: what is opened stands beside it.
 * @throws `till.corrupt` (refused).
 */
export function openTill(
  db: Store,
  dataDir: string,
  { now = Date.now, moved = () => {}, refused: onRefused = () => {} }: TillOptions = {},
): Till {
  const insert = db.prepare(
    `INSERT INTO calls (id, wallet, key, pod, hold, opened, request, counted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET request = excluded.request WHERE closed IS NULL`,
  )
  const update = db.prepare(
    'UPDATE calls SET price = ?, units_in = ?, units_out = ?, closed = ? WHERE id = ? AND closed IS NULL',
  )
  const remove = db.prepare('DELETE FROM calls WHERE id = ? AND closed IS NULL')
  const standing = db.prepare('SELECT wallet, key, hold, counted FROM calls WHERE id = ? AND closed IS NULL')
  const setMark = db.prepare('UPDATE accounts SET low_mark = ? WHERE wallet = ?')
  const insertDeposit = db.prepare(
    'INSERT INTO deposits (id, wallet, amount, made) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id',
  )
  const addAccount = db.prepare('INSERT INTO accounts (wallet, created) VALUES (?, ?) ON CONFLICT DO NOTHING')
  addAccount.run([HOUSE, now()])
  const enter = ({ id, wallet, key, pod, hold, opened, request, counted }: Opening) =>
    insert.run([id, wallet, key, pod, hold, opened, request, counted])
  takeLeft()
  const openings = openOpenings(dataDir)
  const group = createGroup(db, { emptied: openings.booked, refused: onRefused })
  const sums = sumsOf(db, now())
  /** Every answer tells whether its account is below. */
  const marks = new Map(
    (
      db.prepare('SELECT wallet, low_mark FROM accounts WHERE low_mark > 0').all([]) as {
        wallet: string
        low_mark: number
      }[]
    ).map(({ wallet, low_mark }) => [wallet, BigInt(low_mark)]),
  )
  let { id: lastId } = db.prepare('SELECT coalesce(max(id), 0) AS id FROM calls').get([]) as { id: number }

  /** What an earlier process opened and perhaps did not bring to the books. */
  function takeLeft(): void {
    const left = readOpenings(dataDir)
    db.transaction(() => {
      for (const opening of left) {
        addAccount.run([opening.wallet, opening.opened])
        enter(opening)
      }
    })()
  }

  function balance(wallet: string): Balance {
    const totals = sums.wallet(wallet)
    return { available: totals.deposited - totals.charged - totals.held, ...totals }
  }

  const spentBy = (key: string): bigint => {
    const { charged, held } = sums.key(key)
    return charged + held
  }

  function check({ wallet, key, quota, most }: Order): void {
    // The router would refuse it, and whole numbers of JavaScript could not say it.
    if (most >= CHARGE_LIMIT) {
      throw refused('price.too_high', `This call can cost $${formatUsd(most)}, more than any call may`, {
        fix: 'Ask for less.',
        details: { most: most.toString() },
      })
    }
    const { available } = balance(wallet)
    if (wallet !== HOUSE && most > available) {
      throw refused(
        'credit.insufficient',
        `This call can cost $${formatUsd(most)}; the account has $${formatUsd(available > 0n ? available : 0n)}`,
        {
          fix: 'Deposit more, or ask for less.',
          details: { most: most.toString(), available: available.toString() },
        },
      )
    }
    if (quota !== undefined && spentBy(key) + most > quota) {
      throw refused(
        'api_key.quota_exhausted',
        `This call would go beyond the $${formatUsd(quota)} of its key`,
        {
          fix: 'Raise the quota of the key, or use another one.',
          details: { quota: quota.toString(), spent: spentBy(key).toString() },
        },
      )
    }
  }

  function count(call: Counted, held: bigint, price: bigint): void {
    sums.charge(call, held, price)
    moved(call.wallet)
  }

  const valuesOf = ({ price, unitsIn, unitsOut }: Price) => [
    Number(price),
    Number(unitsIn),
    Number(unitsOut),
    now(),
  ]

  function closeLeft(id: number, price: Price): void {
    const row = standing.get([id]) as
      | { wallet: string; key: string; hold: number; counted: string | null }
      | undefined
    if (row === undefined) return
    update.run([...valuesOf(price), id])
    const { wallet, key } = row
    count({ wallet, key, counted: row.counted?.split(' ') ?? [] }, BigInt(row.hold), price.price)
  }

  function open(order: Order): Ticket {
    check(order)
    const { wallet, key, pod, most, counted } = order
    sums.hold(order, most)
    const id = ++lastId
    let opening: Opening | undefined
    let done = false
    const ticket: Ticket & { request: Hex | undefined } = { wallet, request: undefined, signed, close }
    /** As it stands when it is written: it may have been signed again meanwhile, or not at all. */
    const write = () => void (opening && enter(opening))

    function becomes(next: Opening | undefined): void {
      opening = next
      ticket.request = next?.request
    }

    async function signed(request: Hex): Promise<void> {
      const before = opening
      const names = counted?.join(' ') ?? null
      // Signed again for a pod's newer version: what was signed first was refused and costs nothing.
      const line = { id, wallet, key, pod, hold: Number(most), opened: now(), request, counted: names }
      becomes(line)
      group.add(write)
      try {
        await openings.add(line)
      } catch (cause) {
        becomes(before)
        group.add(before ? write : () => void remove.run([id]))
        throw cause
      }
    }

    function close(price: Price): void {
      if (done) return
      done = true
      if (opening === undefined) return sums.hold(order, -most)
      count(order, most, price.price)
      const values = [...valuesOf(price), id]
      group.add(() => {
        write()
        update.run(values)
      })
    }

    return ticket
  }

  return {
    ready: openings.ready,
    open,
    balance,
    spentBy,
    countedBy: (name) => sums.named(name) ?? { charged: 0n, held: 0n },
    lowMark: (wallet) => marks.get(wallet) ?? 0n,
    setLowMark(wallet, amount) {
      if (setMark.run([Number(amount), wallet]).changes === 0) return
      marks.set(wallet, amount)
      moved(wallet)
    },
    deposit(id, wallet, amount) {
      if (insertDeposit.get([id, wallet, Number(amount), now()]) === undefined) return false
      sums.wallet(wallet).deposited += amount
      moved(wallet)
      return true
    },
    leftOpen() {
      group.flush()
      return db
        .prepare('SELECT id, request, opened FROM calls WHERE closed IS NULL ORDER BY id')
        .all([]) as OpenCall[]
    },
    closeLeft,
    flush: group.flush,
    async close() {
      await openings.close()
      group.flush()
    },
  }
}
