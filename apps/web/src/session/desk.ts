import type { Address } from 'viem'
import type { Call } from '../../../../sdk/chain/call.ts'
import type { Client } from '../../../../sdk/client.ts'
import type { PageConfig } from '../network/config.ts'
import type { Place } from './deposit.ts'
import type { KnownKey } from './known.ts'
import type { KeyRecord, SessionDb } from './store.ts'
import type { Deed, Signed } from './view.ts'
import type { Wallet } from './wallets.ts'

export type Say = (doing: string) => void

/** A transaction about a key. */
export interface Order {
  deed: Deed
  record: KeyRecord
  from: Address
  /** For people. */
  title: string
  /** What has to be sent as the chain stands then. */
  plan(): Promise<Call[]>
  wallet: Wallet | undefined
}

/** What the session lends to whoever does something with its keys. */
export interface Desk {
  config: PageConfig
  db: SessionDb
  place(): Promise<Place>
  /** The key that pays now. */
  record(): KeyRecord | undefined
  clientOf(record: KeyRecord): Promise<Client>
  /** Whether its revocation is asked for, and not decided. */
  isRevoking(known: KnownKey): boolean
  /** Reads again what stands. */
  look(): Promise<void>
  /** Shows a deposit that was signed just now. */
  signed(signed: Signed): void
  /** Carries a transaction until it is sent. @throws what refused it before that. */
  carry(order: Order, say: Say): Promise<void>
  /** The chain did that, or need not: writes down what follows for the key. */
  done(deed: Deed, key: Address): Promise<void>
}
