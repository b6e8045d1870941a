import type { Address, Hex } from 'viem'
import { later } from '../../sdk/errors.ts'
import type { Signer } from '../../sdk/native.ts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { END, type Hasher, type Request } from '../../sdk/protocol/messages.ts'
import type { SignedReceipt } from '../../sdk/protocol/wire.ts'
import type { Gross, KeptVoucher, Ledger, Op } from './ledger/ledger.ts'

/** What this router knows of one payer's money. `holds` is of live calls only and lives in memory. */
export interface Account {
  readonly payer: Address
  charged: bigint
  count: bigint
  holds: bigint
  /** Live calls, until what they changed is durable. */
  calls: number
  /** Calls on their way in. */
  pins: number
  voucher?: KeptVoucher
}

/** The running totals: every change is made here first, in one order, and committed in the same order. */
export interface Books {
  start(): Promise<void>
  /** The one account of a payer, kept until `letGo`: nobody may hold two of them. */
  use(payer: Address): Promise<Account>
  letGo(account: Account): void
  /** What is known of a payer, without keeping it. */
  look(payer: Address): Promise<Pick<Account, 'charged' | 'count' | 'holds'>>
  hold(account: Account, amount: bigint): void
  /** The money of a call is free again, or charged. */
  release(account: Account, amount: bigint): void
  /** The call is over and what it changed is durable. */
  leave(account: Account): void
  nextJob(): number
  /**
   * Charges one verified receipt: account, payees, leaf, countersignature.
   *
   * @returns what to commit, output apart.
   */
  charge(charge: {
    account: Account
    job: number
    request: Request
    signed: SignedReceipt
    at: number
  }): Omit<Extract<Op, { op: 'job.receipted' }>, 'output' | 'op'>
}

/** Accounts without live calls that are kept in memory. */
const MOST_IDLE = 50_000

export function createBooks(ledger: Ledger, hasher: Hasher, signer: Signer, mostIdle = MOST_IDLE): Books {
  const accounts = new Map<Address, Account>()
  const loading = new Map<Address, Promise<Account>>()
  const gross = new Map<string, bigint>()
  let lastJob = 0
  let lastLeaf = 0

  function add(role: Gross['role'], id: number, price: bigint): Gross {
    const key = `${role} ${id}`
    const total = (gross.get(key) ?? 0n) + price
    gross.set(key, total)
    return { role, id, gross: total }
  }

  async function load(payer: Address): Promise<Account> {
    const row = await ledger.account(payer)
    const account: Account = {
      payer,
      charged: row.charged,
      count: row.count,
      holds: 0n,
      calls: 0,
      pins: 0,
      ...(row.voucher ? { voucher: row.voucher } : {}),
    }
    makeRoom()
    accounts.set(payer, account)
    return account
  }

  function loaded(payer: Address): Promise<Account> {
    const known = loading.get(payer)
    if (known) return known
    const promise = load(payer).finally(() => loading.delete(payer))
    loading.set(payer, promise)
    return promise
  }

  function makeRoom(): void {
    if (accounts.size < mostIdle) return
    for (const [payer, { calls, pins }] of accounts) {
      if (calls > 0 || pins > 0) continue
      accounts.delete(payer)
      return
    }
  }

  return {
    async start() {
      const marks = await ledger.marks()
      lastJob = marks.job
      lastLeaf = marks.leaf
      for (const payee of await ledger.grossOfAll()) gross.set(`${payee.role} ${payee.id}`, payee.gross)
    },
    async use(payer) {
      for (;;) {
        const known = accounts.get(payer)
        if (known) {
          known.pins += 1
          return known
        }
        // Another payer may have taken its place again before we run: then it is read once more.
        await loaded(payer)
      }
    },
    letGo(account) {
      account.pins -= 1
    },
    look: async (payer) => accounts.get(payer) ?? { ...(await ledger.account(payer)), holds: 0n },
    hold(account, amount) {
      account.holds += amount
      account.calls += 1
    },
    release(account, amount) {
      account.holds -= amount
    },
    leave(account) {
      account.calls -= 1
    },
    nextJob() {
      lastJob += 1
      return lastJob
    },
    charge({ account, job, request, signed, at }) {
      const { receipt } = signed
      account.charged += receipt.price
      account.count += 1n
      lastLeaf += 1
      const node = add('node', receipt.node, receipt.price)
      const pod = add('pod', request.pod, receipt.price)
      const frontend = add('frontend', request.frontend, receipt.price)
      const receiptHash = hasher.struct('Receipt', receipt)
      const ack = {
        payer: account.payer,
        charged: account.charged,
        count: account.count,
        receipt: receiptHash,
      }
      const body: Leaf = {
        payer: account.payer,
        charged: account.charged,
        count: account.count,
        request: receipt.request,
        receipt: receiptHash,
        node: node.id,
        nodeGross: node.gross,
        pod: pod.id,
        podGross: pod.gross,
        frontend: frontend.id,
        frontendGross: frontend.gross,
      }
      const countersigned = {
        receipt,
        signature: signed.signature,
        provider: signed.provider,
        ack,
        ackSignature: signer.sign(hasher.digest('Ack', ack)),
      }
      return {
        receipt: { job, leaf: lastLeaf, body, price: receipt.price, countersigned, at },
        account: { payer: account.payer, charged: account.charged, count: account.count },
        gross: [node, pod, frontend],
      }
    },
  }
}

/** What a receipt must agree with. */
export interface ReceiptFacts {
  request: Hex
  node: number
  signer: Address
  limits: { inputUnits: number; outputUnits: number }
  priceOf(unitsIn: bigint, unitsOut: bigint): bigint
  maxPrice: bigint
  /** What arrived here of this job. */
  received: { length: number; output: Hex }
  /** The node was told that the client left. */
  cancelled: boolean
  nowMs: number
}

/** A clock may be wrong by this much before its receipts are refused. */
const CLOCK_SKEW_MS = 3_600_000

/**
 * What is wrong with a receipt, as a stable code, or undefined.
 *
 * @param recovered  The address that signed it, if any.
 */
export function faultOf({ receipt }: SignedReceipt, recovered: Address | undefined, facts: ReceiptFacts) {
  if (receipt.request !== facts.request) return 'receipt.request_wrong'
  if (receipt.node !== facts.node) return 'receipt.node_wrong'
  if (recovered?.toLowerCase() !== facts.signer.toLowerCase()) return 'receipt.signature_invalid'
  if (receipt.length === 0n) return 'receipt.empty'
  if (receipt.length !== BigInt(facts.received.length)) return 'receipt.length_wrong'
  if (receipt.output !== facts.received.output) return 'receipt.output_wrong'
  if (receipt.end === END.clientLeft && !facts.cancelled) return 'receipt.end_wrong'
  if (receipt.unitsIn > BigInt(facts.limits.inputUnits)) return 'receipt.units_over_limit'
  if (receipt.unitsOut > BigInt(facts.limits.outputUnits)) return 'receipt.units_over_limit'
  if (receipt.price !== facts.priceOf(receipt.unitsIn, receipt.unitsOut)) return 'receipt.price_wrong'
  if (receipt.price > facts.maxPrice) return 'receipt.price_over_max'
  if (Math.abs(receipt.completedAt * 1000 - facts.nowMs) > CLOCK_SKEW_MS) return 'receipt.time_wrong'
  return undefined
}

/** A receipt that does not hold: the node's fault, and the payer owes nothing. */
export const receiptFault = (code: string, node: number) =>
  later('node.failed', `Node ${node} signed a receipt that does not hold.`, {
    fix: 'Send the request again: another node will serve it.',
    details: { node, reason: code },
  })
