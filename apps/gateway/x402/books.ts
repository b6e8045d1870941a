import type { PaymentPayload } from '@x402/core/types'
import type { Address, Hex } from 'viem'
import type { Store } from '../till/store.ts'
import { type Payment, paymentOf } from './payment.ts'

const DAY_MS = 86_400_000

/**
 * `open`: its call runs. `due`: the call was answered, the money is not here yet. `settled`, `lost`: it is, it never will be.
 * A payment whose call failed is forgotten: it was not used. If the call cost something all the same it is lost, so that what
 * such calls cost in a day has its limit.
 */
export type State = 'open' | 'due' | 'settled' | 'lost'

/** An answer that is paid for and perhaps not delivered: told again to who shows the same payment. */
export interface KeptAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

export interface Entry {
  payment: Payment
  state: State
  /** Its answer is delivered before it is paid: it goes out while it is made, or waited long enough. */
  ahead: boolean
  /** SHA-256 of what was asked, in hexadecimal. */
  asked: string
  /** A block before the authorisation was used. */
  since: bigint
  /** What its calls cost the gateway, base units; once it is due. */
  cost?: bigint
  transaction?: Hex
  /** Transactions of ours that may have taken it. */
  sent: readonly Hex[]
  answer?: KeptAnswer
}

/** Every payment that was accepted, in the gateway's books. */
export interface Books {
  find(id: string): Entry | undefined
  /** @returns false if this payment is in the books already. */
  admit(entry: Pick<Entry, 'payment' | 'ahead' | 'asked' | 'since'>): boolean
  /** The call was answered: from here on the payment is taken, whatever becomes of this process. */
  earn(id: string, cost: bigint, answer?: KeptAnswer): void
  /** The call failed and cost nothing: the payment was not used. */
  release(id: string): void
  /** The call failed and cost the gateway something all the same: a loss, which the wallet does not owe. */
  forfeit(id: string, cost: bigint): void
  /** The answer goes out though the money is not here yet: who does not pay it owes it. */
  handOut(id: string): void
  /** Durable, before the transaction is: what takes this payment is known to be ours. */
  sending(id: string, transaction: Hex): void
  settled(id: string, transaction: Hex): void
  lost(id: string): void
  /** The answer has left: it is not told again. */
  delivered(id: string): void
  due(): string[]
  /** Payments under way of one wallet: how many, and their sum. */
  underWay(payer: Address): { count: number; amount: bigint }
  /** What is under way, and what the last day lost, of everybody; base units. */
  atRisk(): bigint
  /** Whether this wallet had an answer in the last day that it did not pay. */
  owes(payer: Address): boolean
}

interface Row {
  state: State
  /** 1 = `ahead`. */
  streams: number
  asked: string
  since: number
  payload: string
  cost: number | null
  sent: string
  hash: string | null
  answer: string | null
  body: Buffer | null
}

/** Calls that an earlier process was carrying out were not answered: their payments are forgotten. */
export function openBooks(db: Store, now: () => number = Date.now): Books {
  db.prepare("DELETE FROM payments WHERE state = 'open'").run([])
  const find = db.prepare('SELECT * FROM payments WHERE id = ?')
  const admit = db.prepare(
    `INSERT INTO payments (id, payer, amount, payload, streams, asked, since, state, opened)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING RETURNING id`,
  )
  const earn = db.prepare(
    "UPDATE payments SET state = 'due', cost = ?, answer = ?, body = ? WHERE id = ? AND state = 'open'",
  )
  const forfeit = db.prepare(
    "UPDATE payments SET state = 'lost', streams = 0, cost = ?, closed = ? WHERE id = ? AND state = 'open'",
  )
  const release = db.prepare("DELETE FROM payments WHERE id = ? AND state = 'open'")
  const handOut = db.prepare('UPDATE payments SET streams = 1 WHERE id = ?')
  const sending = db.prepare("UPDATE payments SET sent = trim(sent || ' ' || ?) WHERE id = ?")
  const settled = db.prepare(
    "UPDATE payments SET state = 'settled', hash = ?, closed = ? WHERE id = ? AND state = 'due'",
  )
  const lost = db.prepare(
    "UPDATE payments SET state = 'lost', answer = NULL, body = NULL, closed = ? WHERE id = ? AND state = 'due'",
  )
  const delivered = db.prepare('UPDATE payments SET answer = NULL, body = NULL WHERE id = ?')
  const due = db.prepare("SELECT id FROM payments WHERE state = 'due' ORDER BY opened")
  const underWay = db.prepare(
    `SELECT count(*) AS count, coalesce(sum(amount), 0) AS amount FROM payments
     WHERE payer = ? AND state IN ('open', 'due')`,
  )
  const atRisk = db.prepare(
    `SELECT coalesce(sum(amount), 0) AS amount FROM payments
     WHERE state IN ('open', 'due') OR (state = 'lost' AND closed > ?)`,
  )
  const owes = db.prepare(
    "SELECT 1 FROM payments WHERE payer = ? AND state = 'lost' AND streams = 1 AND closed > ? LIMIT 1",
  )

  return {
    find(id) {
      const row = find.get([id]) as Row | undefined
      return row && entryOf(row)
    },
    admit: ({ payment, ahead, asked, since }) =>
      admit.get([
        payment.id,
        payment.payer,
        Number(payment.amount),
        JSON.stringify(payment.payload),
        ahead ? 1 : 0,
        asked,
        Number(since),
        now(),
      ]) !== undefined,
    earn(id, cost, answer) {
      const { body, ...head } = answer ?? {}
      earn.run([Number(cost), answer === undefined ? null : JSON.stringify(head), body ?? null, id])
    },
    release: (id) => void release.run([id]),
    forfeit: (id, cost) => void forfeit.run([Number(cost), now(), id]),
    handOut: (id) => void handOut.run([id]),
    sending: (id, transaction) => void sending.run([transaction, id]),
    settled: (id, transaction) => void settled.run([transaction, now(), id]),
    lost: (id) => void lost.run([now(), id]),
    delivered: (id) => void delivered.run([id]),
    due: () => (due.all([]) as { id: string }[]).map(({ id }) => id),
    underWay(payer) {
      const { count, amount } = underWay.get([payer]) as { count: number; amount: number }
      return { count, amount: BigInt(amount) }
    },
    atRisk: () => BigInt((atRisk.get([now() - DAY_MS]) as { amount: number }).amount),
    owes: (payer) => owes.get([payer, now() - DAY_MS]) !== undefined,
  }
}

function entryOf(row: Row): Entry {
  return {
    payment: paymentOf(JSON.parse(row.payload) as PaymentPayload),
    state: row.state,
    ahead: row.streams === 1,
    asked: row.asked,
    since: BigInt(row.since),
    sent: row.sent.split(' ').filter(Boolean) as Hex[],
    ...(row.cost === null ? {} : { cost: BigInt(row.cost) }),
    ...(row.hash === null ? {} : { transaction: row.hash as Hex }),
    ...(row.answer === null || row.body === null
      ? {}
      : { answer: { ...(JSON.parse(row.answer) as Omit<KeptAnswer, 'body'>), body: row.body } }),
  }
}
