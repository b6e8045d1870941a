import { refused } from '../../../../sdk/errors.ts'
import { formatUsd } from '../../../../sdk/units.ts'
import { nextTime } from './clock.ts'
import { type Place, relayed, signDeposit } from './deposit.ts'
import type { Desk, Say } from './desk.ts'
import { changeKey, checkSafe, createKey, keepKey } from './keys.ts'
import { currentOf, isUsable, type KnownKey, readKeys } from './known.ts'
import { placeOf } from './place.ts'
import type { KeyRecord, SessionDb, SignedDeposit } from './store.ts'
import { connect, type Wallet } from './wallets.ts'

/** How money comes to a key of this browser. Its tabs share their keys: what one of them asks a wallet for, all keep. */

/** A signed deposit may be sent this long. Seconds. */
const SIGNED_SECONDS = 3_600

/**
 * A deposit out of a wallet: one signature.
 *
 * @throws `browser.unsafe`, `key.revoked`, `deposit.waits` (refused); what {@link connect} and {@link signDeposit} throw.
 */
export async function fund(desk: Desk, wallet: Wallet, dollars: string, say: Say): Promise<void> {
  checkSafe()
  const place = await desk.place()
  const owner = await connect(wallet, desk.config.chainId)
  const { record, validBefore } = await payable(desk, place)
  const signed = await signDeposit(place, record, { wallet, owner, dollars, validBefore, say })
  const kept = await keepSigned(desk.db, record, signed)
  desk.signed({ giver: signed.giver, amount: signed.amount, byWallet: isByWallet(desk, kept) })
  await send(desk, place, kept, wallet, say)
}

/** Play money of a local chain. @throws `browser.unsafe`, `key.revoked`, `deposit.waits` (refused). */
export async function tryOut(desk: Desk, dollars: string): Promise<void> {
  checkSafe()
  const { record } = await payable(desk, await desk.place())
  const client = await desk.clientOf(record)
  await client.deposit(dollars, { faucet: true })
  await desk.look()
}

/** Sends what is signed again. */
export async function sendAgain(desk: Desk, wallet: Wallet | undefined, say: Say): Promise<void> {
  const record = desk.record()
  if (record?.signed) await send(desk, await desk.place(), record, wallet, say)
}

/** Whether sending the signed deposit of a key is the wallet's. */
export const isByWallet = ({ config }: Pick<Desk, 'config'>, { signed }: KeyRecord): boolean =>
  signed?.byWallet === true || config.relay !== true

/**
 * The key that a deposit may go to, whichever tab made it; made if there is none. From here on it is kept until what a wallet
 * signs for it is too old to be taken, for the wallet's answer may come long after its tab was told something else.
 */
async function payable(desk: Desk, place: Place): Promise<{ record: KeyRecord; validBefore: number }> {
  return await navigator.locks.request('heurist-payable', async () => {
    const known = await readKeys(desk.db, place)
    const before = desk.record()?.address
    const isOpen = (each: KnownKey) => isUsable(each) && !desk.isRevoking(each)
    if (known.some((each) => each.record.address === before && !isOpen(each))) {
      await desk.look()
      throw refused('key.revoked', 'the credit of this key is on its way back, so nothing is added to it', {
        fix: 'Cancel that, or deposit to a new key.',
      })
    }
    const found = currentOf(known.filter(isOpen), before)?.record
    if (found?.signed) {
      await desk.look()
      throw waits(found.signed)
    }
    const record = found ?? (await createKey(desk.db, placeOf(place)))
    const validBefore = await lastSecond(place)
    const kept = await keepKey(desk.db, record, (now) => ({
      ...now,
      payableUntil: Math.max(validBefore, now.payableUntil ?? 0),
    }))
    return { record: kept, validBefore }
  })
}

const waits = ({ amount }: SignedDeposit) =>
  refused('deposit.waits', `a deposit of $${formatUsd(amount)} is signed and not on the chain yet`, {
    fix: 'Send that one or forget it, then deposit again. Nothing was sent or charged for this one.',
  })

/** Until when the asset takes what is signed now, by its own clock. Unix seconds. */
export const lastSecond = async (place: Pick<Place, 'chain'>): Promise<number> =>
  (await nextTime(place)) + SIGNED_SECONDS

/** Writes a signature down before anybody is sent it. @throws `deposit.waits` (refused) if another tab's is there. */
async function keepSigned(db: SessionDb, record: KeyRecord, signed: SignedDeposit): Promise<KeyRecord> {
  const kept = await keepKey(db, record, (now) => (now.signed ? undefined : { ...now, signed }))
  if (kept.signed && kept.signed.data !== signed.data) throw waits(kept.signed)
  return kept
}

async function send(
  desk: Desk,
  place: Place,
  record: KeyRecord,
  wallet: Wallet | undefined,
  say: Say,
): Promise<void> {
  const { signed } = record
  if (!signed) return
  try {
    say('Your deposit is on its way to the chain…')
    const failure = await relayed(place, signed, desk.config.relay === true)
    if (!failure) return void navigator.storage?.persist?.()
    await changeKey(desk.db, record.address, (kept) =>
      kept.signed?.data === signed.data ? { ...kept, signed: { ...kept.signed, byWallet: true } } : undefined,
    )
    if (!wallet) throw failure
    const title = `Deposit $${formatUsd(signed.amount)}`
    const plan = async () => [{ to: place.ledger, data: signed.data }]
    await desk.carry({ deed: 'deposit', record, from: signed.giver, title, plan, wallet }, say)
  } finally {
    await desk.look()
  }
}
