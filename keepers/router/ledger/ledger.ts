import type { Address, Hex } from 'viem'
import type { ErrorBody } from '../../../sdk/errors.ts'
import type { Leaf } from '../../../sdk/protocol/merkle.ts'
import type { Request, Role } from '../../../sdk/protocol/messages.ts'
import type { Countersigned } from '../../../sdk/protocol/wire.ts'
import type { SignedTransaction } from '../../world.ts'

/**
 * The router's memory. Its only write verb is `commit`: the operations of one call become durable together, or
 * not at all; calls are durable in the order in which they were made. Figures are absolute, so that writing an
 * operation twice is harmless.
 */
export interface Ledger {
  /**
   * Resolves when the operations would survive a power cut. A rejection is fatal: stop, restart, read back. Only an
   * admission that contradicts another may be rejected alone, with `ledger.conflict`: it is as if it had never been asked for.
   */
  commit(ops: readonly Op[], options?: CommitOptions): Promise<void>
  /** Resolves with the cause once nothing can be written any more, or read: stop, restart. */
  lost(): Promise<unknown>

  /** @returns zero figures for a payer without a history. */
  account(payer: Address): Promise<AccountRow>
  /** Of every payee that ever earned here. */
  grossOfAll(): Promise<Gross[]>
  job(request: Hex): Promise<JobRow | undefined>
  jobById(payer: Address, id: Hex): Promise<JobRow | undefined>
  /** Newest first. */
  recentJobs(limit: number): Promise<JobRow[]>
  /** Admitted and neither receipted nor failed: what a crash interrupted. */
  openJobs(): Promise<JobRow[]>
  receipt(job: number): Promise<ReceiptRow | undefined>
  /** What the payer's newest acknowledgement says. */
  lastReceiptOf(payer: Address): Promise<Countersigned | undefined>
  output(job: number): Promise<Uint8Array | undefined>
  attempts(job: number): Promise<AttemptRow[]>
  /** How often each node's attempts ended well and badly, since the ledger began. */
  nodeCounts(): Promise<{ node: number; succeeded: number; failed: number }[]>
  /** The greatest job and leaf numbers given so far. */
  marks(): Promise<{ job: number; leaf: number }>

  /** Cumulative gross of all acknowledged calls of a payee; 0 if there is none. */
  grossOf(role: Gross['role'], id: number): Promise<bigint>
  /** The highest statement that was ever signed to a payee. */
  statement(role: Gross['role'], id: number): Promise<SignedStatement | undefined>
  /** Of every payer that was ever charged here. */
  chargedOfAll(): Promise<Charged[]>

  /** Leaves that are in no batch, oldest first. */
  unposted(limit: number): Promise<UnpostedLeaf[]>
  /** Leaves numbered above `leaf`, in a batch or not, oldest first. */
  leavesAfter(leaf: number, limit: number): Promise<UnpostedLeaf[]>
  /** The earliest expiry among the vouchers that pay for unposted leaves, Unix seconds. */
  earliestExpiry(): Promise<number | undefined>
  unpostedCount(): Promise<number>
  batch(seq: bigint): Promise<BatchRow | undefined>
  /** The batch that holds the leaf. */
  batchOfLeaf(leaf: number): Promise<BatchRow | undefined>
  leavesOf(batch: BatchRow): Promise<Leaf[]>
  /** The crown of a batch's tree; empty if a ledger without crowns kept the batch. */
  crownOf(seq: bigint): Promise<Uint8Array>
  /** A payer's newest leaf among those up to a leaf, and its number. */
  newestLeafOf(payer: Address, upTo: number): Promise<{ leaf: number; body: Leaf } | undefined>
  lastBatch(): Promise<BatchRow | undefined>
  /** The oldest batch that is not known to be settled. */
  unsettledBatch(): Promise<BatchRow | undefined>
  /** The oldest settled batch that a reorganisation may still undo. */
  unfinalBatch(): Promise<BatchRow | undefined>
  /** Every transaction that was signed for a batch, newest first. */
  transactionsOf(seq: bigint): Promise<KeptTransaction[]>
  /** What the float paid in all batches up to `seq`; undefined if the outcome of one of them is not known here. */
  floatUsedUpTo(seq: bigint): Promise<bigint | undefined>
  /** Newest first; without their bytes. */
  recentBatches(limit: number): Promise<BatchRow[]>

  close(): Promise<void>
}

export interface CommitOptions {
  /** Nobody waits for it yet: it becomes durable with the next commit that somebody waits for, a moment later at the latest. */
  soon?: boolean
}

export type Op =
  | { op: 'job.admitted'; job: AdmittedJob }
  /** The payer's best voucher: replaces the one kept. */
  | { op: 'voucher.kept'; payer: Address; voucher: KeptVoucher }
  | { op: 'job.dispatched'; attempt: AttemptRow }
  | { op: 'attempt.ended'; job: number; attempt: number; outcome: string; at: number }
  /** All that one delivered answer changes. */
  | { op: 'job.receipted'; receipt: ReceiptRow; output: Uint8Array; account: Charged; gross: Gross[] }
  | { op: 'job.failed'; job: number; error: ErrorBody; at: number }
  | { op: 'batch.signed'; batch: NewBatch; tx: SignedTransaction; at: number }
  /** The same batch in another transaction, or in one that was undone: it is under way again. */
  | { op: 'batch.resigned'; seq: bigint; tx: SignedTransaction; at: number }
  | {
      op: 'batch.settled'
      seq: bigint
      txHash: Hex
      block: bigint
      floatUsed: bigint
      skipped: number
      at: number
    }
  /** Enough blocks stand on it: it is not looked at again. */
  | { op: 'batch.final'; seq: bigint; at: number }
  /** Must not fall: the caller has compared it with the last. */
  | { op: 'statement.signed'; statement: SignedStatement }
  /** Forgets the bytes of final batches settled before; what they settled stays. */
  | { op: 'batches.forgotten'; before: number }
  /** Forgets what choices before then were made from; that they were made stays. */
  | { op: 'decisions.forgotten'; before: number }
  /** Forgets the bytes of outputs older than `before`; receipts and leaves stay. */
  | { op: 'outputs.forgotten'; before: number }

export interface AdmittedJob {
  /** The router's own number, rising. */
  number: number
  /** Struct hash of the request. */
  request: Hex
  body: Request
  /** Unix milliseconds; likewise every `at`. */
  at: number
}

export interface KeptVoucher {
  ceiling: bigint
  expiry: number
  request: Hex
  r: Hex
  vs: Hex
}

export interface AttemptRow {
  job: number
  attempt: number
  node: number
  at: number
  /** What the choice was made from: seed, question and view as JSON; replayable. */
  decision: string
  outcome?: string
}

export interface Charged {
  payer: Address
  charged: bigint
  count: bigint
}

export interface Gross {
  role: Exclude<Role, 'voters'>
  id: number
  gross: bigint
}

export interface SignedStatement extends Gross {
  /** Unix seconds. */
  asOf: number
}

export interface KeptTransaction extends SignedTransaction {
  signedAt: number
}

export interface ReceiptRow {
  job: number
  /** Number of the leaf: its place in the order of all charges. */
  leaf: number
  body: Leaf
  price: bigint
  countersigned: Countersigned
  at: number
}

export interface AccountRow extends Charged {
  voucher?: KeptVoucher
}

export type JobStatus = 'admitted' | 'dispatched' | 'receipted' | 'failed'

export interface JobRow {
  number: number
  request: Hex
  body: Request
  status: JobStatus
  /** The node of the newest attempt; 0 before the first. */
  node: number
  error?: ErrorBody
  createdAt: number
  updatedAt: number
}

export interface UnpostedLeaf {
  leaf: number
  body: Leaf
  price: bigint
  at: number
  /** The payer's best voucher now. */
  voucher: KeptVoucher | undefined
}

export interface NewBatch {
  seq: bigint
  firstLeaf: number
  lastLeaf: number
  /** The bytes for `settle`, and the index of the batch data, behind `dataHash`; its parts are made of the leaves. */
  packed: Uint8Array
  index: Uint8Array
  /** The top of the tree of its leaves. */
  crown: Uint8Array
  hash: Hex
  root: Hex
  gross: bigint
}

/** Without its crown, which only proofs need. */
export interface BatchRow extends Omit<NewBatch, 'crown'> {
  state: 'signed' | 'settled'
  tx: SignedTransaction
  signedAt: number
  block?: bigint
  floatUsed?: bigint
  skipped?: number
  settledAt?: number
  finalAt?: number
}
