import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import type { Address, Hex } from 'viem'
import { refused } from '../../../../sdk/errors.ts'

/** A deposit that its giver signed. Until it stands on the chain, the same bytes may be sent again by anybody. */
export interface SignedDeposit {
  giver: Address
  /** Base units. */
  amount: bigint
  /** Unix seconds after which the asset takes it no more. */
  validBefore: number
  /** The call of the ledger. */
  data: Hex
  /** The page's server did not take it: its wallet has to send it. */
  byWallet?: true
}

/** A session key as it lies in this browser. */
export interface KeyRecord {
  address: Address
  chainId: number
  ledger: Address
  router: Address
  createdAt: number
  /** The private key, encrypted by `wrapping`, a key that the browser gives out to nobody. */
  wrapped: ArrayBuffer
  iv: Uint8Array<ArrayBuffer>
  wrapping: CryptoKey
  /** A wallet was asked to pay into it, by whichever tab: what it signs may be taken until then. Unix seconds. */
  payableUntil?: number
  signed?: SignedDeposit
  /** Since when it is revoked in this browser: it signs nothing more, also once its credit was paid out. Unix milliseconds. */
  revokedAt?: number
}

interface Schema extends DBSchema {
  keys: { key: string; value: KeyRecord }
  /** Entries of the journals, as lines, by account and number. */
  journal: { key: [string, number]; value: string }
}
export type SessionDb = IDBPDatabase<Schema>

/**
 * Keys and journals of this origin. A tab that is asked to make way for a newer version closes its connection: what it
 * appends then fails instead of being lost.
 *
 * @throws `storage.absent` (refused) where the browser keeps nothing.
 */
export async function openSessionDb(name = 'heurist-session'): Promise<SessionDb> {
  try {
    return await openDB<Schema>(name, 1, {
      upgrade(db) {
        db.createObjectStore('keys')
        db.createObjectStore('journal')
      },
      blocking: (_, __, event) => (event.target as IDBDatabase).close(),
    })
  } catch (cause) {
    throw refused('storage.absent', 'this browser keeps no data for this page', {
      fix: 'Allow the page to store data, or leave the private window: a key that is forgotten loses its credit.',
      cause,
    })
  }
}
