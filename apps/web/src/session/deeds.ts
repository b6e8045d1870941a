import type { Address } from 'viem'
import { refused } from '../../../../sdk/errors.ts'
import { type ActState, type Acts, type Ask, isBusy, isLate, type State, type Wish } from '../acts/view.ts'
import type { KnownKey } from './known.ts'
import { ownerOf } from './owner.ts'
import type { Deed, KeyAct } from './view.ts'

/** Transactions about the keys of this browser: what was begun is followed to its block by whichever page is open. */

const DEEDS: readonly Deed[] = ['deposit', 'thaw', 'cancel', 'withdraw']

/** The page of the credits has buttons for the same acts: begun here or there, it is one. */
export const deedId = (deed: Deed, key: Address): string => `credits.${deed}.${key.toLowerCase()}`

/** All that is under way or just over. */
export function deedsOf(acts: Acts, keys: readonly KnownKey[]): KeyAct[] {
  return keys.flatMap(({ record, account }) =>
    DEEDS.flatMap((deed) => {
      const key = record.address
      const from = deed === 'deposit' ? record.signed?.giver : ownerOf(account.owner, key)
      if (from === undefined) return []
      const act = acts.stateOf(from, deedId(deed, key))
      return act.state === 'idle' && !isLate(act) ? [] : [{ deed, key, from, act }]
    }),
  )
}

/** Whether the chain may still decide it: it was asked for, and is neither in a block nor out of the question. */
export const isOpen = ({ act }: KeyAct): boolean => act.intent !== undefined && isBusy(act)

const SAYS: Partial<Record<State, string>> = {
  checking: 'Trying it on the chain…',
  asking: 'Confirm in your wallet.',
}
/** The same of a key that asks nobody. */
const OWN_SAYS: typeof SAYS = { ...SAYS, asking: 'Sending it…' }

/** Until it is asked for no more: it was sent, or refused, or nobody knows. What was sent is followed meanwhile. */
async function untilAnswered(
  acts: Acts,
  { from, id, key }: { from: Address; id: string; key: Address },
  work: () => Promise<void>,
  say: (doing: string) => void,
): Promise<void> {
  const says = from === key ? OWN_SAYS : SAYS
  let leave = () => {}
  const sent = new Promise<void>((resolve) => {
    leave = acts.subscribe(() => {
      const { state } = acts.stateOf(from, id)
      const words = says[state]
      if (words) say(words)
      if (state === 'sent') resolve()
    })
  })
  await Promise.race([work(), sent]).finally(leave)
  const { state, problem }: ActState = acts.stateOf(from, id)
  if (state !== 'refused' || problem === undefined) return
  acts.excuse(from, id)
  throw refused(problem.code, problem.says, { fix: problem.fix })
}

/** Does nothing while the same is under way. @throws what refused it before anything was sent. */
export function carry(
  acts: Acts,
  { deed, key, ...wish }: Omit<Wish, 'id'> & { deed: Deed; key: Address },
  say: (doing: string) => void,
): Promise<void> {
  const id = deedId(deed, key)
  return untilAnswered(acts, { from: wish.from, id, key }, () => acts.start({ ...wish, id }), say)
}

/** The same for what was asked for and had no answer. */
export function carryOn(
  acts: Acts,
  { deed, key, from }: KeyAct,
  ask: Ask,
  say: (doing: string) => void,
): Promise<void> {
  const id = deedId(deed, key)
  return untilAnswered(acts, { from, id, key }, () => acts.proceed(from, id, ask), say)
}
