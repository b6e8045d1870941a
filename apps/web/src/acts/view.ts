import type { Address } from 'viem'
import type { Call } from '../../../../sdk/chain/call.ts'
import type { WalletSender } from '../../../../sdk/chain/clients.ts'
import type { Problem } from '../session/words.ts'
import type { Forgotten, Intent, Repeat } from './intents.ts'

/** An act as pages see it. */

/**
 * What a button shows. `checking` = read and tried before anything is asked; `refused` = it would fail, or the wallet
 * declined: nothing was sent; `ready` = the next call waits; `unsure` = the wallet was asked by a page that is gone, or
 * gave no clear answer; `missing` = it was sent, and the chain does not know it any more; `failed` = in a block, or never.
 */
export type State =
  | 'idle'
  | 'checking'
  | 'refused'
  | 'ready'
  | 'asking'
  | 'unsure'
  | 'sent'
  | 'missing'
  | 'included'
  | 'failed'

export interface ActState {
  state: State
  intent?: Intent
  /** Whether the chain was looked at since, and knew nothing of it: only then it makes sense to ask again. */
  looked?: boolean
  problem?: Problem
  /** The browser had no room to write it down: it is gone once the page is left. */
  isFleeting?: true
  /** Earlier requests for it that were forgotten, and may still be carried out or are. */
  forgotten?: Forgotten[]
}

/** Who sends: the wallet on the right chain with the right account, found when it is needed. */
export type Ask = () => Promise<WalletSender>

export interface Wish {
  id: string
  from: Address
  title: string
  /** What has to be sent, as the chain stands now. @throws what refuses it, in words. */
  plan(): Promise<Call[]>
  ask: Ask
}

export interface Acts {
  stateOf(from: Address, id: string): ActState
  subscribe(listen: () => void): () => void
  /** How often anything was included: what was read before is old. */
  changes(): number
  /** Does nothing while the same act is under way. Never throws. */
  start(wish: Wish): Promise<void>
  /** Goes on with an intent that waits for its next call, or whose wallet may be asked again. Never throws. */
  proceed(from: Address, id: string, ask: Ask): Promise<void>
  /** Forgets what is over, or what will never be; what a wallet may still do of it is told if it does, for an hour. */
  forget(from: Address, id: string): void
  /** Says no more why it was refused. */
  excuse(from: Address, id: string): void
  /** It is decided elsewhere that it is over: whatever a wallet still does of it is of no matter. */
  drop(from: Address, id: string): void
  /** What follows from it is written down: it is forgotten, unless it was asked for twice and may be done twice. */
  conclude(from: Address, id: string): void
  /** Follows all that was begun before this page was loaded. */
  resume(): void
}

export const keyOf = (from: Address, id: string): string => `${from.toLowerCase()}:${id}`

/** Whether the chain has not decided it yet. */
export const isLive = (
  intent: Intent | undefined,
): intent is Intent & { phase: 'ready' | 'asking' | 'sent' } =>
  intent !== undefined && (intent.phase === 'ready' || intent.phase === 'asking' || intent.phase === 'sent')

/** Whether something came in a block that was forgotten here. */
export const isLate = ({ forgotten = [] }: ActState): boolean =>
  forgotten.some(({ hashes }) => hashes.length > 0)

/** Whether an act is under way, so that another of its kind has to wait. */
export const isBusy = ({ state }: ActState): boolean =>
  state !== 'idle' && state !== 'refused' && state !== 'included' && state !== 'failed'

/** The call that is asked for now, if it was asked for before. */
export const repeatOf = ({ at, repeats = [] }: Intent): Repeat | undefined =>
  repeats.find((each) => each.at === at)

/** Calls that were asked for more than once, and of which no second transaction is known. */
export const undoubled = ({ repeats = [], doubles = [] }: Intent): Repeat[] =>
  repeats.filter(({ at }) => !doubles.some((double) => double.at === at))
