import type { Hex } from 'viem'
import type { Chain } from '../../../../sdk/chain/clients.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { fateOf, sendingsOf } from '../../../../sdk/chain/fate.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { Intent, Repeat } from './intents.ts'
import { repeatOf, undoubled } from './view.ts'

/** Asking a wallet for the same call again: what it is told, and whether it did both. */

type Terms = Required<Pick<Intent, 'asked'>> & { repeated?: Repeat }

/**
 * What is known before the wallet is asked. Asked again for the same call, it is told the nonce of the first time, so that a
 * block takes one of the two at most: of a wallet that obeys. Others choose their own; so nothing is asked again while anything
 * that the account sent since waits for a block, for it may be this.
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
  if (!asked) return { asked: { nonce, since } }
  if (nonce > Math.max(asked.nonce, used)) {
    throw refused('act.waits', 'this account sent something that no block holds yet, and it may be this', {
      fix: 'Wait until it is in a block; this page sees what becomes of it. A wallet can cancel it or speed it up.',
    })
  }
  const first = repeatOf(intent) ?? { at, nonce: asked.nonce, since: asked.since }
  const terms = asked.nonce >= used ? { nonce: asked.nonce, since: asked.since } : { nonce, since }
  return { asked: terms, repeated: first }
}

/** So long after it is done a request that the wallet still shows is looked for, over reloads and in every tab. */
export const WATCHED_MS = 3_600_000

/** Whether it was asked for more than once and is done not long ago; also by a clock that was set back since. */
export const isWatched = ({ phase, repeats = [], doneAt }: Intent, now: number): boolean =>
  phase === 'done' && repeats.length > 0 && doneAt !== undefined && Math.abs(now - doneAt) < WATCHED_MS

/** Whether it is done and may be done once more, by a request that the wallet still shows. */
export const mayDouble = (intent: Intent, now: number): boolean =>
  undoubled(intent).length > 0 && isWatched(intent, now)

/**
 * A second transaction of a call that is done, if there is one.
 *
 * @param nonce  Before this one nothing is looked at.
 * @returns where to look on the next time, too.
 */
export async function lookForDouble(
  chain: Chain,
  { from, calls, hashes, doubles = [] }: Intent,
  { at, since }: Repeat,
  nonce: number,
): Promise<{ double?: Hex; next: number }> {
  const call = calls[at]
  if (!call) return { next: nonce }
  const asked = { from, call, nonce, since }
  const sent = await sendingsOf(chain, asked)
  for (const hash of sent.hashes) {
    if (hashes.includes(hash) || doubles.some((double) => double.hash === hash)) continue
    const { state } = await fateOf(chain, { ...asked, hash })
    if (state === 'included') return { double: hash, next: sent.next }
  }
  return { next: sent.next }
}
