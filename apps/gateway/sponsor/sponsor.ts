import { createHmac, randomBytes } from 'node:crypto'
import { asHeuristError, type HeuristError, refused } from '../../../sdk/errors.ts'
import { householdOf } from '../../../sdk/household.ts'
import { formatUsd } from '../../../sdk/units.ts'
import { missingKey } from '../accounts.ts'
import type { Caller } from '../caller.ts'
import type { Store } from '../till/store.ts'
import { HOUSE, type Order, type Till } from '../till/till.ts'
import type { SponsorTerms } from './terms.ts'

/** In the books, what the gateway pays for others is what this key of its own account spent. */
export const SPONSOR = 'sponsor'

const DAY_MS = 86_400_000

/** What is left of today's caps for one guest, the least of them; base units. */
export interface Left {
  left: bigint
  /** When the caps of today end. Unix milliseconds. */
  resets: number
}

/** Who asks: the API key if there is one, and the household of the address. */
export interface Guest {
  key?: string
  address: string
}

export interface Sponsor {
  readonly perMinute: number
  /** A caller without a key. Alone it may call nothing. */
  stranger(ip: string): Caller
  guest(ip: string, key?: string): Guest
  /**
   * This caller, whose calls to sponsored pods the gateway pays while the caps last; past them and elsewhere the caller
   * itself pays, if it can.
   *
   * @param told  At each call: whether the gateway pays for it. Before the call is sent.
   */
  besides(caller: Caller, guest: Guest, told: (sponsored: boolean) => void): Caller
  leftFor(guest: Guest): Left
}

/** Refusals that a caller without means gets; whether a cap was in the way says more. */
const WITHOUT_MEANS = new Set(['api_key.missing', 'credit.insufficient'])

/**
 * The free tier: calls that the gateway's own account pays for. Every call is counted at the most it can cost before it is
 * sent, and at its price once that is known, in the same row of the books as the call itself: no crash, no wrong clock
 * and no number of callers at once makes a day larger than its cap. A day is the one that the clock says when a call
 * begins; a clock that goes back finds that day as it was left.
 */
export function openSponsor(
  { till, store }: { till: Till; store: Store },
  terms: SponsorTerms,
  now: () => number = Date.now,
): Sponsor {
  const secret = secretOf(store)
  /** Addresses are kept so that they can be counted and not read. */
  const hidden = (address: string) => createHmac('sha256', secret).update(address).digest('hex').slice(0, 24)

  function capsOf({ key, address }: Guest) {
    const day = `sponsored:${new Date(now()).toISOString().slice(0, 10)}`
    return [
      { who: 'everybody', cap: terms.perDay, name: day },
      { who: 'your address', cap: terms.perAddress, name: `${day}:${address}` },
      ...(key === undefined ? [] : [{ who: 'your key', cap: terms.perKey, name: `${day}:${key}` }]),
    ].map((each) => ({ ...each, ...till.countedBy(each.name) }))
  }
  const resets = () => (Math.floor(now() / DAY_MS) + 1) * DAY_MS

  /** Why the gateway does not pay for this; undefined if it does. */
  function refusal(order: Order, caps: ReturnType<typeof capsOf>): HeuristError | undefined {
    const full = caps.find(({ cap, charged, held }) => charged + held + order.most > cap)
    if (full === undefined) return undefined
    const { who, cap, charged } = full
    const facts = { most: order.most.toString(), cap: cap.toString(), charged: charged.toString() }
    if (order.most > cap) {
      return refused(
        'sponsor.too_dear',
        `This call can cost $${formatUsd(order.most)}; of ${who} at most $${formatUsd(cap)} a day are sponsored`,
        { fix: 'Ask for less, or pay with the API key of an account with a balance.', details: facts },
      )
    }
    if (charged + order.most <= cap) {
      return refused(
        'sponsor.busy',
        `What is left of the sponsored calls of ${who} is held by calls that still run`,
        {
          fix: 'Try again when they have ended.',
          details: { ...facts, retryAfterSeconds: 1 },
        },
      )
    }
    const until = new Date(resets()).toISOString()
    return refused('sponsor.used_up', `The sponsored calls of ${who} are used up for today, until ${until}`, {
      fix: `Ask again after ${until}, ask for less, or pay with the API key of an account with a balance.`,
      details: { ...facts, resets: until, retryAfterSeconds: Math.ceil((resets() - now()) / 1_000) },
    })
  }

  function ownWay(caller: Caller, order: Order, why: HeuristError) {
    const refuse = (cause: unknown): never => {
      throw WITHOUT_MEANS.has(asHeuristError(cause).code) ? why : cause
    }
    try {
      const ticket = caller.till.open(order)
      return ticket instanceof Promise ? ticket.catch(refuse) : ticket
    } catch (cause) {
      return refuse(cause)
    }
  }

  return {
    perMinute: terms.perMinute,
    stranger: (ip) => ({
      wallet: HOUSE,
      key: `address:${hidden(householdOf(ip))}`,
      perMinute: terms.perMinute,
      till: { open: missingKey },
    }),
    guest: (ip, key) => ({ address: hidden(householdOf(ip)), ...(key === undefined ? {} : { key }) }),
    besides: (caller, guest, told) => ({
      ...caller,
      till: {
        open(order) {
          if (!terms.pods.includes(order.pod)) return caller.till.open(order)
          const caps = capsOf(guest)
          const why = refusal(order, caps)
          told(why === undefined)
          if (why !== undefined) return ownWay(caller, order, why)
          const { pod, most } = order
          return till.open({ wallet: HOUSE, key: SPONSOR, pod, most, counted: caps.map(({ name }) => name) })
        },
      },
    }),
    leftFor(guest) {
      const lefts = capsOf(guest).map(({ cap, charged, held }) => cap - charged - held)
      const [least = 0n] = lefts.sort((a, b) => (a < b ? -1 : 1))
      return { left: least > 0n ? least : 0n, resets: resets() }
    },
  }
}

/** Of these books alone, made once. */
function secretOf(store: Store): Buffer {
  store
    .prepare('INSERT INTO secrets (name, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run([SPONSOR, randomBytes(32)])
  const { bytes } = store.prepare('SELECT bytes FROM secrets WHERE name = ?').get([SPONSOR]) as {
    bytes: Buffer
  }
  return bytes
}
