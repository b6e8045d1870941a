import { randomBytes } from 'node:crypto'
import { formatUsd } from '../../../sdk/units.ts'
import type { Store } from '../till/store.ts'
import type { Till } from '../till/till.ts'
import { deliver } from './delivery.ts'
import { destinationOf, type Reach } from './destination.ts'

/** Before the second attempt, the third and so on; after the last it is given up. Milliseconds. */
const PAUSES_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000]
/** How long it is told what became of a message. */
const KEPT_MS = 30 * 86_400_000

/** Whom an account wants told, and what became of the last message. */
export interface Webhook {
  url: string
  /** The balance is below the low mark now. */
  low: boolean
  last?: { id: string; made: number; attempts: number; outcome: string }
}

export interface Webhooks {
  /**
   * Replaces what stood, messages under way included. Nothing is told before the next `look`.
   *
   * @returns the secret: shown once. @throws `webhook.url_refused` (refused).
   */
  set(wallet: string, url: string): Promise<string>
  find(wallet: string): Webhook | undefined
  remove(wallet: string): void
  /** Looks whether an account's balance has crossed its low mark since the last look. */
  look(wallet: string): void
  /** Takes up what an earlier process left. */
  resume(): void
  stop(): void
}

interface Row {
  url: string
  secret: string
  low: number
}

interface Delivery {
  id: string
  wallet: string
  body: string
  made: number
  attempts: number
  ended: number | null
  outcome: string | null
}

/**
 * Tells accounts that they have little, once each time that what they deposited less what they were charged falls below their
 * low mark: holds come and go and are not counted. That it is to be told is written with the fact that it is low, so no crash
 * tells it twice or never; the message goes out until it is heard, at growing pauses, always under the same id.
 */
export function openWebhooks(
  db: Store,
  till: Pick<Till, 'balance' | 'lowMark'>,
  reach: Reach,
  { now = Date.now, pausesMs = PAUSES_MS }: { now?: () => number; pausesMs?: readonly number[] } = {},
): Webhooks {
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  let stopped = false
  const one = db.prepare('SELECT url, secret, low FROM webhooks WHERE wallet = ?')
  const rowOf = (wallet: string) => one.get([wallet]) as Row | undefined
  const last = db.prepare('SELECT * FROM deliveries WHERE wallet = ? ORDER BY made DESC, rowid DESC LIMIT 1')
  const attempt = db.prepare('UPDATE deliveries SET attempts = attempts + 1 WHERE id = ? AND ended IS NULL')
  const end = db.prepare('UPDATE deliveries SET ended = ?, outcome = ? WHERE id = ? AND ended IS NULL')
  const forget = db.prepare('UPDATE deliveries SET ended = ?, outcome = ? WHERE wallet = ? AND ended IS NULL')
  const setLow = db.prepare('UPDATE webhooks SET low = ? WHERE wallet = ?')
  const add = db.prepare('INSERT INTO deliveries (id, wallet, body, made) VALUES (?, ?, ?, ?)')
  const isOpen = db.prepare('SELECT * FROM deliveries WHERE id = ? AND ended IS NULL')
  const fall = db.transaction((wallet: string, id: string, body: string) => {
    setLow.run([1, wallet])
    add.run([id, wallet, body, now()])
  })
  const rise = db.transaction((wallet: string) => {
    setLow.run([0, wallet])
    forget.run([now(), 'no longer low', wallet])
  })

  /** Most accounts have none, and every charge looks. */
  const watched = new Set(
    (db.prepare('SELECT wallet FROM webhooks').all([]) as { wallet: string }[]).map(({ wallet }) => wallet),
  )

  function look(wallet: string): void {
    if (!watched.has(wallet)) return
    const row = rowOf(wallet)
    if (row === undefined) return
    const { deposited, charged } = till.balance(wallet)
    const [balance, mark] = [deposited - charged, till.lowMark(wallet)]
    if (balance < mark && row.low === 0) {
      const id = `msg_${randomBytes(12).toString('hex')}`
      fall(wallet, id, messageOf(wallet, balance, mark, now()))
      later(id, 0)
    }
    if (balance >= mark && row.low === 1) rise(wallet)
  }

  function later(id: string, pauseMs: number): void {
    if (stopped) return
    const timer = setTimeout(() => {
      timers.delete(id)
      void send(id)
    }, pauseMs)
    timers.set(id, timer.unref())
  }

  async function send(id: string): Promise<void> {
    const delivery = isOpen.get([id]) as Delivery | undefined
    const row = delivery && rowOf(delivery.wallet)
    if (delivery === undefined || row === undefined) return
    // Counted before it goes out: a message that brings the process down is not tried for ever.
    attempt.run([id])
    const { url, secret } = row
    const outcome = await deliver({ id, url, secret, body: delivery.body }, reach, now())
    if (stopped) return
    const pause = pausesMs[delivery.attempts]
    if (outcome === 'delivered' || pause === undefined) end.run([now(), outcome, id])
    else later(id, pause)
  }

  return {
    look,
    async set(wallet, url) {
      const { href } = (await destinationOf(url, reach)).url
      const secret = `whsec_${randomBytes(32).toString('base64')}`
      forget.run([now(), 'replaced', wallet])
      db.prepare('DELETE FROM deliveries WHERE ended < ?').run([now() - KEPT_MS])
      db.prepare('INSERT OR REPLACE INTO webhooks (wallet, url, secret, made) VALUES (?, ?, ?, ?)').run([
        wallet,
        href,
        secret,
        now(),
      ])
      watched.add(wallet)
      return secret
    },
    find(wallet) {
      const row = rowOf(wallet)
      if (row === undefined) return undefined
      const delivery = last.get([wallet]) as Delivery | undefined
      return {
        url: row.url,
        low: row.low === 1,
        ...(delivery === undefined
          ? {}
          : {
              last: {
                id: delivery.id,
                made: delivery.made,
                attempts: delivery.attempts,
                outcome: delivery.outcome ?? 'under way',
              },
            }),
      }
    },
    remove(wallet) {
      forget.run([now(), 'removed', wallet])
      db.prepare('DELETE FROM webhooks WHERE wallet = ?').run([wallet])
      watched.delete(wallet)
    },
    resume() {
      const open = db.prepare('SELECT id FROM deliveries WHERE ended IS NULL ORDER BY made').all([])
      for (const { id } of open as { id: string }[]) later(id, 0)
      for (const wallet of watched) look(wallet)
    },
    stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

const messageOf = (wallet: string, balance: bigint, mark: bigint, nowMs: number): string =>
  JSON.stringify({
    type: 'balance.low',
    timestamp: new Date(nowMs).toISOString(),
    data: { wallet, balance: formatUsd(balance), low_mark: formatUsd(mark) },
  })
