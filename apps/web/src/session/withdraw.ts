import type { Address } from 'viem'
import { readAccount } from '../../../../sdk/chain/accounts.ts'
import type { Call } from '../../../../sdk/chain/call.ts'
import { accountCall } from '../../../../sdk/chain/deposits.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { formatUsd } from '../../../../sdk/units.ts'
import type { Place } from './deposit.ts'
import type { Desk, Say } from './desk.ts'
import { type KnownKey, readKeys } from './known.ts'
import { ownerOf } from './owner.ts'
import type { KeyRecord } from './store.ts'
import type { Wallet } from './wallets.ts'

/** How what a key holds comes back to its owner. */

/** @param owed  Charged and not posted yet, with what is in flight. Base units. */
export async function revoke(desk: Desk, owed: bigint, wallet: Wallet | undefined, say: Say): Promise<void> {
  const known = await knownKey(desk, desk.record()?.address)
  if (known) await thaw(desk, known, owed, wallet, say)
}

/** Announces what was not announced, or pays out what was. */
export async function withdraw(
  desk: Desk,
  key: Address,
  wallet: Wallet | undefined,
  say: Say,
): Promise<void> {
  const known = await knownKey(desk, key)
  if (!known) return
  const { thawing } = known.account
  if (thawing === 0n) return thaw(desk, known, 0n, wallet, say)
  await back(desk, known, { deed: 'withdraw', title: `Take $${formatUsd(thawing)}`, wallet }, say)
}

/** Takes a revocation back: on the chain if it stands there, and in this browser. */
export async function cancel(desk: Desk, key: Address, wallet: Wallet | undefined, say: Say): Promise<void> {
  const known = await knownKey(desk, key)
  if (!known) return
  if (known.account.thawing === 0n) return desk.done('cancel', key)
  await back(desk, known, { deed: 'cancel', title: 'Use the key again', wallet }, say)
}

async function knownKey({ db, place }: Desk, key: Address | undefined): Promise<KnownKey | undefined> {
  return (await readKeys(db, await place())).find(({ record }) => record.address === key)
}

async function thaw(
  desk: Desk,
  { record, account }: KnownKey,
  owed: bigint,
  wallet: Wallet | undefined,
  say: Say,
): Promise<void> {
  const place = await desk.place()
  const plan = () => thawPlan(place, record, owed)
  const [call] = await plan()
  if (!call) return desk.done('thaw', record.address)
  const from = ownerOf(account.owner, record.address)
  const title = `Withdraw $${formatUsd(account.credit - owed)}`
  await desk.carry({ deed: 'thaw', record, from, title, plan, wallet }, say)
}

async function back(
  desk: Desk,
  { record, account }: KnownKey,
  what: { deed: 'withdraw' | 'cancel'; title: string; wallet: Wallet | undefined },
  say: Say,
): Promise<void> {
  const { ledger, router } = await desk.place()
  const from = ownerOf(account.owner, record.address)
  const data = accountCall[what.deed === 'cancel' ? 'cancelThaw' : 'withdraw'](router, record.address)
  await desk.carry({ ...what, record, from, plan: async () => [{ to: ledger, data }] }, say)
}

/** Between reading the credit and announcing its withdrawal a batch may take of it. */
const THAW_ATTEMPTS = 4

/**
 * What announces the withdrawal of the credit; the router serves the key no more from then on. Nothing, if that stands on
 * the chain already or there is no credit.
 *
 * @param owed  Charged and not posted yet, with what is in flight: the router still takes it, so it is not announced.
 * @throws `chain.reverted` (refused) if the ledger would refuse it.
 */
export async function thawPlan(
  { chain, ledger, router }: Place,
  { address }: KeyRecord,
  owed: bigint,
): Promise<Call[]> {
  for (let attempt = 1; ; attempt += 1) {
    const { credit, thawing, owner } = await readAccount(chain, ledger, { router, key: address })
    const amount = credit > owed ? credit - owed : credit
    if (credit === 0n || thawing >= amount) return []
    const call = { to: ledger, data: accountCall.thaw(router, address, amount) }
    try {
      await chain.client.estimateGas({ account: /^0x0*$/.test(owner) ? address : owner, ...call })
      return [call]
    } catch (cause) {
      const error = chainError(cause)
      if (attempt === THAW_ATTEMPTS || error.details.error !== 'InsufficientCredit') throw error
    }
  }
}
