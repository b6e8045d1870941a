import type { Address } from 'viem'
import type { Client } from '../../../../sdk/client.ts'
import type { ActState } from '../acts/view.ts'
import type { Wallet } from './wallets.ts'
import type { Problem } from './words.ts'

/**
 * `opening` until it is known; `none` = no key yet; `unfunded` = a deposit is signed and not on the chain; `elsewhere` =
 * another tab has the key; `revoking` = its owner was asked to revoke the key, and the chain has not decided it;
 * `revoked` = its credit is on the way back, whoever announced that; `broken` = the key may sign nothing more; `down` =
 * the router or the chain does not answer.
 */
export type Phase =
  | 'opening'
  | 'none'
  | 'unfunded'
  | 'elsewhere'
  | 'ready'
  | 'revoking'
  | 'revoked'
  | 'broken'
  | 'down'

/** What the key has. Base units. */
export interface Account {
  key: Address
  owner: Address
  /** What calls may still cost. */
  left: bigint
  /** This page's own sum of the receipts it verified. */
  charged: bigint
  deposited: bigint
}

/** A key beside the one that pays: its owner draws what is left once the waiting time is over. */
export interface Former {
  key: Address
  owner: Address
  /** Whether this browser holds the owner's key, so that no wallet is needed. */
  own: boolean
  left: bigint
  /** So much of it is on its way back. Base units. */
  thawing: bigint
  /** Unix seconds; 0 if no withdrawal is announced. */
  thawedAt: number
  /** Whether the ledger pays that out now, by the chain's clock. */
  isDue: boolean
  /** Whether it is used no more; else it pays once the present key has less than a cent. */
  isRevoked: boolean
}

/** What is sent about a key: the deposit that a wallet sends itself, its revocation, the way back from that, the payout. */
export type Deed = 'deposit' | 'thaw' | 'cancel' | 'withdraw'

/** How far such a transaction has come; it survives a reload. */
export interface KeyAct {
  deed: Deed
  key: Address
  from: Address
  act: ActState
}

/** A deposit that is signed and not on the chain yet. */
export interface Signed {
  giver: Address
  /** Base units. */
  amount: bigint
  /** Whether sending it is the wallet's: the page's server did not take it. */
  byWallet: boolean
}

export interface SessionView {
  phase: Phase
  account?: Account
  /** The key that pays, or is to be paid into, as the ledger has it. */
  key?: { address: Address; owner: Address }
  signed?: Signed
  former: readonly Former[]
  acts: readonly KeyAct[]
  /** What is being done, while it is. */
  doing?: string
  problem?: Problem
  /** Makes the calls; only while `ready`. */
  client?: Client
}

export interface Session {
  view(): SessionView
  subscribe(listen: () => void): () => void
  /** A deposit out of a wallet, to this browser's key: one signature. Makes the key if there is none. */
  fund(wallet: Wallet, dollars: string): Promise<void>
  /** Local chains only: a key without a wallet, with play money. */
  tryOut(dollars: string): Promise<void>
  /** Sends a signed deposit again; with a wallet, by its transaction if the page's server does not take it. */
  sendAgain(wallet?: Wallet): Promise<void>
  /** Forgets a signed deposit that never arrived. */
  dropSigned(): Promise<void>
  /** Announces that everything is withdrawn; from then on the key signs nothing more. */
  revoke(wallet?: Wallet): Promise<void>
  /** Pays out what a revoked key still holds, to its owner. */
  withdraw(key: Address, wallet?: Wallet): Promise<void>
  /** Takes a revocation back: the router serves the key again. */
  cancel(key: Address, wallet?: Wallet): Promise<void>
  /** Asks again for what the wallet, or the chain, gave no answer to; whatever became of it is looked up before. */
  askAgain(act: KeyAct, wallet?: Wallet): Promise<void>
  /** Forgets what is over, or what will never be. */
  forget(act: KeyAct): void
  /** Reads the account again. */
  refresh(): Promise<void>
  /** A call failed: if that says something of the key, the session says so too. */
  report(cause: unknown): void
  switchChain(wallet: Wallet): Promise<void>
  dismiss(): void
}
