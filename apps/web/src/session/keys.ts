import { bytesToHex, type Hex, hexToBytes } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { refused } from '../../../../sdk/errors.ts'
import type { KeyRecord, SessionDb } from './store.ts'

/** Session keys in IndexedDB. They leave the page nowhere, and lie on the disk only encrypted. */

type Place = Pick<KeyRecord, 'chainId' | 'ledger' | 'router'>

/** @throws `browser.unsafe` (refused) on a page without a secure connection: browsers encrypt nothing there, nor lock. */
export function checkSafe(): void {
  if (globalThis.crypto?.subtle !== undefined) return
  throw refused('browser.unsafe', 'a key cannot be kept on a page without a secure connection', {
    fix: 'Open this page by https, or on the machine that serves it.',
  })
}

/** @throws what {@link checkSafe} throws. */
export async function createKey(db: SessionDb, place: Place): Promise<KeyRecord> {
  checkSafe()
  const key = generatePrivateKey()
  const address = privateKeyToAccount(key).address.toLowerCase() as KeyRecord['address']
  const wrapping = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const wrapped = await crypto.subtle.encrypt(boundTo(address, iv), wrapping, hexToBytes(key).slice())
  const record: KeyRecord = { ...place, address, createdAt: Date.now(), wrapped, iv, wrapping }
  await saveKey(db, record)
  return record
}

const boundTo = (address: string, iv: Uint8Array<ArrayBuffer>) => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(address),
})

/** @throws `key.damaged` (refused). */
export async function privateKeyOf({ address, iv, wrapped, wrapping }: KeyRecord): Promise<Hex> {
  try {
    const bytes = await crypto.subtle.decrypt(boundTo(address, iv), wrapping, wrapped)
    return bytesToHex(new Uint8Array(bytes))
  } catch (cause) {
    throw refused('key.damaged', `the key ${address} cannot be read any more`, {
      fix: 'Revoke it: its owner gets back what it holds.',
      cause,
    })
  }
}

export const accountOf = async (record: KeyRecord): Promise<PrivateKeyAccount> =>
  privateKeyToAccount(await privateKeyOf(record))

export async function saveKey(db: SessionDb, record: KeyRecord): Promise<void> {
  const transaction = db.transaction('keys', 'readwrite', { durability: 'strict' })
  await Promise.all([transaction.store.put(record, record.address), transaction.done])
}

type Change = (record: KeyRecord) => KeyRecord | undefined

/**
 * Changes what is kept of a key, whatever another tab wrote meanwhile.
 *
 * @param change  From what is kept to what shall be; undefined leaves it as it is.
 * @returns what is kept then; undefined if the key was forgotten.
 */
export const changeKey = (db: SessionDb, address: string, change: Change): Promise<KeyRecord | undefined> =>
  write(db, address, (kept) => kept && change(kept))

/** The same, and keeps the key also if another tab forgot it. */
export const keepKey = async (db: SessionDb, record: KeyRecord, change: Change): Promise<KeyRecord> =>
  (await write(db, record.address, (kept) => change(kept ?? record))) ?? record

async function write(
  db: SessionDb,
  address: string,
  change: (kept: KeyRecord | undefined) => KeyRecord | undefined,
): Promise<KeyRecord | undefined> {
  const transaction = db.transaction('keys', 'readwrite', { durability: 'strict' })
  const kept = await transaction.store.get(address)
  const next = change(kept)
  await Promise.all([next && transaction.store.put(next, address), transaction.done])
  return next ?? kept
}

/** Forgets a key, unless another tab began a deposit to it since it was read. */
export async function forgetKey(db: SessionDb, seen: KeyRecord): Promise<void> {
  const transaction = db.transaction('keys', 'readwrite')
  const kept = await transaction.store.get(seen.address)
  const isSame = kept?.payableUntil === seen.payableUntil && kept?.signed?.data === seen.signed?.data
  await Promise.all([isSame && transaction.store.delete(seen.address), transaction.done])
}

/** The keys of one place, newest first. */
export async function keysOf(db: SessionDb, { chainId, ledger, router }: Place): Promise<KeyRecord[]> {
  const all = await db.getAll('keys')
  return all
    .filter((each) => each.chainId === chainId && each.ledger === ledger && each.router === router)
    .sort((a, b) => b.createdAt - a.createdAt)
}
