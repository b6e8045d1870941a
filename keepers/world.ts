import { randomBytes } from 'node:crypto'
import type { Address, Hex } from 'viem'
import type { Domain } from '../sdk/protocol/messages.ts'
import type { SplitBps } from '../sdk/protocol/split.ts'
import type { Ledger } from './router/ledger/ledger.ts'

/**
 * Everything that a keeper takes from outside itself. With another World the whole router runs in a simulator:
 * nothing in keepers/ reads a clock, a random number, a disk or a socket except through one of these.
 */
export interface World {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  readonly ledger: Ledger
  readonly chain: Chain
  readonly manifests: Manifests
}

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number
}

/** The pod manifests that this machine has. */
export interface Manifests {
  /** All that can be read; the log says once which cannot. */
  read(): Promise<Uint8Array[]>
  /** Keeps a version's bytes, so that it can be served after its pod moved on. */
  keep(hash: Hex, bytes: Uint8Array): Promise<void>
  /** Whose the names are, as it was kept last. */
  owners(): Promise<Record<string, NameOwner>>
  keepOwners(owners: Record<string, NameOwner>): Promise<void>
}

/** Who published something first, and in which block: while the chain has that block, nobody was earlier. */
export interface FirstPublished {
  pod: number
  block: bigint
  hash: Hex
}

/** Whose a name is. */
export interface NameOwner extends FirstPublished {
  /** The versions of that name that the chain was asked about, ascending: one whose file comes later may be older. */
  among: Hex[]
}

export type Cancel = () => void

export interface Timers {
  after(ms: number, run: () => void): Cancel
  every(ms: number, run: () => void): Cancel
  /** After the input that is already waiting has been handled. */
  soon(run: () => void): void
}

export interface Random {
  bytes(count: number): Uint8Array
}

/** One line, one event, fields not sentences. `error` means wake someone. */
export interface Log {
  info(fields: LogFields): void
  warn(fields: LogFields): void
  error(fields: LogFields): void
}
export type LogFields = { event: string } & Record<string, unknown>

/** A message-keeping connection to one worker, whoever carries it: a WebSocket, or a simulator. */
export interface Wire {
  send(message: Uint8Array): void
  /** Bytes accepted by `send` that have not left yet. */
  readonly waitingBytes: number
  /** Ends the connection; the other side sees code and reason. */
  close(code: number, reason: string): void
  /** Ends it at once, without a word. */
  cut(): void
  /** Set by the router: what arrives, and the end. */
  onMessage: (message: Uint8Array) => void
  onClose: () => void
}

export interface ChainAccount {
  deposited: bigint
  spent: bigint
  /** Announced for withdrawal; an account that thaws is not served. */
  thawing: bigint
}

export interface ChainRouter {
  /** Number of the last batch settled. */
  seq: bigint
  batchHash: Hex
  float: bigint
  /** Whether its bond lets it settle. */
  allowed: boolean
}

/** How well the node behind the RPC URL knows the chain. */
export interface ChainSync {
  /** It is still reading old blocks. */
  syncing: boolean
  head: bigint
  /** Unix seconds of its newest block. */
  headAt: number
}

/** What a router has posted as its bond. Base units, wei of HEU, Unix seconds. */
export interface ChainBond {
  asset: bigint
  heu: bigint
  /** Held back for claims that are filed and not resolved. */
  reserved: bigint
  /** What it owes after a paid claim. */
  owedAsset: bigint
  owedHeu: bigint
  /** 0 = it announced no exit. */
  exitAt: number
  /** 0 = it was not convicted. */
  convictedAt: number
  /** With less it may not settle. */
  leastAsset: bigint
  leastHeu: bigint
}

/** What somebody did to a router's bond. */
export type BondEvent =
  | { kind: 'claimed'; role: number; id: number; gross: bigint; asked: bigint; round: number }
  | { kind: 'resolved'; role: number; id: number; paid: bigint; round: number }
  | { kind: 'convicted'; leaf: Hex }

/** What moved on chain: read it again. */
export type Change =
  | { kind: 'node' | 'pod' | 'frontend'; id: number }
  | { kind: 'account'; payer: Address }
  | { kind: 'float' }
  | { kind: 'pause' }

/** A settlement transaction, signed and ready: storing it before it is sent is what makes sending it twice safe. */
export interface SignedTransaction {
  hash: Hex
  raw: Hex
  nonce: number
}

/** What became of a transaction that is in a block. */
export interface Outcome {
  block: bigint
  succeeded: boolean
  gasUsed: bigint
  floatUsed: bigint
  /** Payer lines that the ledger skipped: index in the batch, reason as the contract numbers it. */
  skipped: { index: number; reason: number }[]
}

/** What a router needs from the chain. Every call may fail with `chain.unreachable` (later). */
export interface Chain {
  readonly domain: Domain
  /** The router's own address. */
  readonly router: Address
  /** @throws `chain.wrong` (refused) if the chain is not the domain's. */
  check(): Promise<void>
  head(): Promise<bigint>
  /** The hash of a block; undefined if the chain has none of that number. */
  hashOf(block: bigint): Promise<Hex | undefined>
  terms(): Promise<{ split: SplitBps; podVoters: boolean }>
  counts(): Promise<{ nodes: number; pods: number; frontends: number }>
  /** @returns undefined for an id that nobody registered; likewise below. */
  node(id: number): Promise<{ signer: Address; active: boolean } | undefined>
  pod(id: number): Promise<{ latest: Hex; active: boolean } | undefined>
  frontend(id: number): Promise<{ preferred: number[]; active: boolean } | undefined>
  isVersion(pod: number, manifest: Hex): Promise<boolean>
  /**
   * The pod that published one of these versions before any other pod did; undefined if the chain tells none. Looks
   * through the whole history.
   */
  firstToPublish(manifests: readonly Hex[]): Promise<FirstPublished | undefined>
  /** What a payer may be served on: a deposit counts once enough blocks stand on it, a withdrawal at once. */
  account(payer: Address): Promise<ChainAccount>
  /** What the ledger has of a payer in its newest block: what a settlement finds. */
  balance(payer: Address): Promise<ChainAccount>
  routerState(): Promise<ChainRouter>
  /** While the chain's time is before it, Unix seconds, nothing is deposited or settled; withdrawals go on. */
  pausedUntil(): Promise<number>
  sync(): Promise<ChainSync>
  bond(): Promise<ChainBond>
  /** What happened to the router's bond in the blocks after `block`, up to the block it returns. */
  bondEventsAfter(block: bigint): Promise<{ upTo: bigint; events: BondEvent[] }>
  /** What a node's unposted work is covered for: base units of its share. */
  coverOf(node: number): Promise<bigint>
  /** The share of a node, basis points. */
  nodeBps(): Promise<bigint>
  /** Cumulative gross that the ledger has credited a payee with. */
  grossOf(role: 'node' | 'pod' | 'frontend', id: number): Promise<bigint>
  /** How much of it single payments are, by role and number: no batch counts them. Reads the whole history. */
  paidOnce(): Promise<ReadonlyMap<string, bigint>>
  /** Root of the router's batch `seq`; undefined if there is none. */
  rootOf(seq: bigint): Promise<Hex | undefined>
  /** Wei per gas that a transaction pays now. */
  gasPrice(): Promise<bigint>
  /**
   * What changed in the blocks after `block`, up to the block it returns: the newest, or a bounded step towards it.
   *
   * @returns undefined if there is no newer block.
   */
  changesAfter(block: bigint): Promise<{ upTo: bigint; hash: Hex; changes: Change[] } | undefined>
  /**
   * Signs `settle(batch)`, after a dry run on the chain's present state.
   *
   * @throws `settle.refused` (later) with the contract's error if the dry run reverts.
   */
  signSettle(batch: Uint8Array): Promise<SignedTransaction>
  /**
   * Signs it at the nonce of a transaction that no block takes, for at least an eighth more.
   *
   * @throws `settle.refused` (later), `fee.capped` (later).
   */
  replaceSettle(
    batch: Uint8Array,
    stuck: Pick<SignedTransaction, 'raw' | 'nonce'>,
  ): Promise<SignedTransaction>
  /** Sends the very bytes. Sending what the chain knows already is not an error. */
  broadcast(raw: Hex): Promise<void>
  /** @returns undefined while the transaction is in no block. */
  outcome(hash: Hex): Promise<Outcome | undefined>
  /** The transaction that settled batch `seq`, whichever it was; undefined if its event cannot be found. */
  settlementOf(seq: bigint): Promise<{ hash: Hex; outcome: Outcome } | undefined>
  /** The next nonce of the router's account, counting blocks only. */
  nonce(): Promise<number>
}

export const realClock: Clock = { nowMs: () => Date.now() }

export const realTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  every(ms, run) {
    const timer = setInterval(run, ms)
    return () => clearInterval(timer)
  },
  soon: (run) => void setImmediate(run),
}

export const realRandom: Random = { bytes: (count) => randomBytes(count) }
