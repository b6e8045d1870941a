import type { Address } from 'viem'
import { isAuthorizationUsed, type KeyAccount, readAccount } from '../../../../sdk/chain/accounts.ts'
import { asHeuristError } from '../../../../sdk/errors.ts'
import { newestTime, nextTime } from './clock.ts'
import type { Place } from './deposit.ts'
import { hasOpenCalls } from './journal.ts'
import { changeKey, forgetKey, keysOf } from './keys.ts'
import { ownerOf } from './owner.ts'
import { placeOf } from './place.ts'
import type { KeyRecord, SessionDb, SignedDeposit } from './store.ts'
import type { Former } from './view.ts'

/** The keys of this browser as the ledger has them: which of them pays, and which are only taken back from. */

export interface KnownKey {
  record: KeyRecord
  account: KeyAccount
  /** Whether what a wallet signs, or has signed, may still pay into it. */
  awaits: boolean
  /** What was waited for until now: the asset is done with it. */
  arrived?: SignedDeposit
}

export const keyAt = ({ router }: Place, { address }: Pick<KeyRecord, 'address'>) => ({
  router,
  key: address,
})
/** Whether the key owns itself, as one without a wallet does. */
export const isOwn = ({ address }: Pick<KeyRecord, 'address'>, owner: Address): boolean =>
  owner.toLowerCase() === address

/** All that this browser keeps for a place, newest first. Deposits that arrived are no longer waited for. */
export async function readKeys(db: SessionDb, place: Place): Promise<KnownKey[]> {
  const records = await keysOf(db, placeOf(place))
  const now = records.some((record) => lastChance(record) > 0) ? await newestTime(place) : 0
  return Promise.all(records.map((record) => readKey(db, place, record, now)))
}

async function readKey(db: SessionDb, place: Place, kept: KeyRecord, now: number): Promise<KnownKey> {
  const { signed } = kept
  const isOver = signed !== undefined && (await isAuthorizationUsed(place.chain, place, signed.data))
  const record = (isOver && (await dropSigned(db, kept))) || kept
  const account = await readAccount(place.chain, place.ledger, keyAt(place, record))
  const awaits = lastChance(record) > 0 && lastChance(record) >= now
  return { record, account, awaits, ...(isOver ? { arrived: signed } : {}) }
}

/** Until when the asset may take a signature for this key. Unix seconds. */
const lastChance = ({ payableUntil = 0, signed }: KeyRecord): number =>
  Math.max(payableUntil, signed?.validBefore ?? 0)

/** Waits no longer for the deposit that is written down for a key; one that another tab wrote since stays. */
export const dropSigned = (db: SessionDb, { address, signed }: KeyRecord): Promise<KeyRecord | undefined> =>
  changeKey(db, address, (kept) => {
    const { signed: now, ...rest } = kept
    return now?.data === signed?.data ? rest : undefined
  })

/** What is left of a key is hardly ever nothing: less than this leaves the next one to pay. Base units. */
const A_CENT = 10_000n
const hasSome = (keys: readonly KnownKey[]): boolean => keys.length > 0

/** Whether calls can be paid by it: whoever announced the withdrawal of its credit, no router serves it then. */
export const isUsable = ({ record, account }: Pick<KnownKey, 'record' | 'account'>): boolean =>
  record.revokedAt === undefined && account.thawing === 0n

/**
 * The key that pays: one with credit before one without, and before one with less than a cent; then the one that paid before, as long as it can; then the one that a
 * deposit is on its way to; then the newest. Pure.
 *
 * @param before  The one that paid before.
 */
export function currentOf(known: readonly KnownKey[], before: Address | undefined): KnownKey | undefined {
  const usable = known.filter(isUsable)
  const candidates =
    [A_CENT, 1n].map((least) => usable.filter(({ account }) => account.credit >= least)).find(hasSome) ??
    usable
  return (
    candidates.find(({ record }) => record.address === before) ??
    candidates.find(({ record }) => record.signed !== undefined) ??
    candidates[0]
  )
}

/** What keys beside the one that pays still hold; those that hold nothing, and will not, are forgotten once their calls are decided. */
export async function formerOf(db: SessionDb, place: Place, keys: readonly KnownKey[]): Promise<Former[]> {
  const empty = keys.filter(({ account, awaits }) => account.credit === 0n && !awaits)
  for (const { record } of empty) if (!(await isUndecided(db, record))) await forgetKey(db, record)
  const now = keys.some(({ account }) => account.thawing > 0n) ? await nextTime(place) : 0
  return keys.filter(({ account }) => account.credit > 0n).map((each) => asFormer(each, now))
}

/** Whether a call of its is open. A journal that cannot be read decides none any more. */
const isUndecided = (db: SessionDb, record: KeyRecord): Promise<boolean> =>
  hasOpenCalls(db, { ...record, payer: record.address }).catch((cause: unknown) => {
    if (asHeuristError(cause).code === 'journal.damaged') return false
    throw cause
  })

/** @param now  Unix seconds, by the chain. */
function asFormer({ record, account }: KnownKey, now: number): Former {
  const owner = ownerOf(account.owner, record.address)
  const { credit, thawing } = account
  return {
    key: record.address,
    owner,
    own: isOwn(record, owner),
    left: credit,
    thawing,
    thawedAt: thawing > 0n ? account.thawedAt : 0,
    isDue: thawing > 0n && account.thawedAt <= now,
    isRevoked: !isUsable({ record, account }),
  }
}
