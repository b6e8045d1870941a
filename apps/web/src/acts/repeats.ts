import type { Address, Hex } from 'viem'
import type { Call } from '../../../../sdk/chain/call.ts'
import type { Chain } from '../../../../sdk/chain/clients.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { fateOf, sendingsOf } from '../../../../sdk/chain/fate.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { Forgotten, Intent, Repeat } from './intents.ts'
import { repeatOf, undoubled } from './view.ts'

/** Asking a wallet for the same call again: what it is told, whether it did both, and what it may still do of what was forgotten. */

interface Terms extends Required<Pick<Intent, 'asked'>> {
  repeated?: Repeat
  /** Whether the nonce is that of the request before. */
  isSameNonce: boolean
}

/**
 * What is known before the wallet is asked. The first time it chooses the nonce itself: it may have sent what this page's node
 * never heard of, and told a nonce it would send this in place of that. Asked again for the same call, it is told the nonce that
 * the first one has as far as anybody knows, so that a block takes one of the two at most, of a wallet that obeys. Others choose
 * their own; so nothing is asked again while anything that the account sent since waits for a block, for it may be this.
 *
 * @throws `act.waits` (refused).
 */
export async function termsOf({ client }: Chain, intent: Intent): Promise<Terms> {
  const { from, at, asked } = intent
  const [used, nonce, since] = await Promise.all([
    client.getTransactionCount({ address: from }),
    client.getTransactionCount({ address: from, blockTag: 'pending' }),
    client.getBlockNumber({ cacheTime: 0 }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  if (!asked) return { asked: { nonce, since }, isSameNonce: false }
  if (nonce > Math.max(asked.nonce, used)) {
    throw refused('act.waits', 'this account sent something that no block holds yet, and it may be this', {
      fix: 'Wait until it is in a block; this page sees what becomes of it. A wallet can cancel it or speed it up.',
    })
  }
  const repeated = repeatOf(intent) ?? { at, nonce: asked.nonce, since: asked.since }
  const isSameNonce = asked.nonce >= used
  const terms = isSameNonce ? { nonce: asked.nonce, since: asked.since } : { nonce, since }
  return { asked: terms, repeated, isSameNonce }
}

/** So long after it is done a request that the wallet still shows is looked for, over reloads and in every tab. */
export const WATCHED_MS = 3_600_000

/** Whether it was asked for more than once and is done not long ago; also by a clock that was set back since. */
export const isWatched = ({ phase, repeats = [], doneAt }: Intent, now: number): boolean =>
  phase === 'done' && repeats.length > 0 && doneAt !== undefined && Math.abs(now - doneAt) < WATCHED_MS

/** Whether it is done and may be done once more, by a request that the wallet still shows. */
export const mayDouble = (intent: Intent, now: number): boolean =>
  undoubled(intent).length > 0 && isWatched(intent, now)

/** Whether what was forgotten then may still come; also by a clock that was set back since. */
export const mayStillCome = ({ at }: Pick<Forgotten, 'at'>, now: number): boolean =>
  Math.abs(now - at) < WATCHED_MS

/** Whether two calls are one and the same. */
export const isSameCall = (one: Call, other: Call): boolean =>
  one.to.toLowerCase() === other.to.toLowerCase() && one.data === other.data

/** Transactions that carried out an act. */
export const doneBy = ({ hashes, doubles = [] }: Intent): Hex[] => [
  ...hashes,
  ...doubles.map(({ hash }) => hash),
]

/**
 * What a wallet may still carry out of an act that is about to be forgotten.
 *
 * @param now  Milliseconds since 1970.
 */
export function forgottenOf(intent: Intent, now: number): Forgotten[] {
  const { id, from, title, calls, at, asked } = intent
  const isOpen = asked !== undefined && repeatOf(intent) === undefined
  const open = isOpen ? [{ at, nonce: asked.nonce, since: asked.since }] : []
  const known = doneBy(intent)
  return [...undoubled(intent), ...open].flatMap(({ at: step, nonce, since }) => {
    const call = calls[step]
    return call ? [{ id, from, title, call, nonce, since, at: now, known, hashes: [] }] : []
  })
}

/** From where on to look the next time, beside what a look found. */
interface Seen {
  /** In blocks, and done. */
  found: Hex[]
  next: number
}

/**
 * Transactions that carried out a call and belong to nothing that is known.
 *
 * @param asked  Before its nonce nothing is looked at.
 * @param known  Looked for no more.
 */
export async function othersOf(
  chain: Chain,
  asked: { from: Address; call: Call; nonce: number; since: bigint },
  known: readonly Hex[],
): Promise<Seen> {
  const { hashes, next } = await sendingsOf(chain, asked)
  const found: Hex[] = []
  for (const hash of hashes) {
    if (known.includes(hash)) continue
    const { state } = await fateOf(chain, { ...asked, hash })
    if (state === 'included') found.push(hash)
  }
  return { found, next }
}
