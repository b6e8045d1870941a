import type { Address } from 'viem'
import type { Client } from '../../../../sdk/client.ts'
import type { Wallet } from './wallets.ts'
import type { Problem } from './words.ts'

/**
 * `opening` until it is known; `none` = no key yet; `unfunded` = a deposit is signed and not on the chain; `elsewhere` =
 * another tab has the key; `broken` = the key may sign nothing more; `down` = the router or the chain does not answer.
 */
export type Phase = 'opening' | 'none' | 'unfunded' | 'elsewhere' | 'ready' | 'broken' | 'down'

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

/** A key that was revoked: its owner draws what is left once the waiting time is over. */
export interface Former {
  key: Address
  owner: Address
  /** Whether this browser holds the owner's key, so that no wallet is needed. */
  own: boolean
  left: bigint
  /** Unix seconds; 0 if no withdrawal is announced. */
  thawedAt: number
}

export interface SessionView {
  phase: Phase
  account?: Account
  /** Signed and not on the chain yet. Base units. */
  signed?: bigint
  former: readonly Former[]
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
  /** Sends a signed deposit again; with a wallet, by its transaction if nobody else sends it. */
  sendAgain(wallet?: Wallet): Promise<void>
  /** Forgets a signed deposit that never arrived. */
  dropSigned(): Promise<void>
  /** Announces that everything is withdrawn; from then on the key signs nothing more. */
  revoke(wallet?: Wallet): Promise<void>
  /** Pays out what a revoked key still holds, to its owner. */
  withdraw(key: Address, wallet?: Wallet): Promise<void>
  /** Reads the account again. */
  refresh(): Promise<void>
  /** A call failed: if that says something of the key, the session says so too. */
  report(cause: unknown): void
  switchChain(wallet: Wallet): Promise<void>
  dismiss(): void
}
