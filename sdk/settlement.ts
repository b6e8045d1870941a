import { type Address, type Hex, parseEventLogs } from 'viem'
import type { z } from 'zod'
import { KEEP_SECONDS } from './audit.ts'
import { computeLedgerAbi } from './chain/abi.ts'
import { packedBatchIn } from './chain/calldata.ts'
import type { Chain } from './chain/clients.ts'
import { chainError } from './chain/errors.ts'
import { askReached } from './chain/reached.ts'
import { type Check, check, no, unchecked, yes } from './checks.ts'
import type { leafSchema } from './documents.ts'
import { asHeuristError, refused } from './errors.ts'
import { createRooter, openData } from './leaves.ts'
import { createNeighbours, type Nearby } from './overlap.ts'
import { type Batch, unpackBatch } from './protocol/batch.ts'
import { type Keccak, keccak, toHex } from './protocol/bytes.ts'
import type { Hasher } from './protocol/messages.ts'
import { recoverSigner, same } from './recover.ts'
import type { Transport } from './transport.ts'
import { formatUsd } from './units.ts'

export type Leaf = z.output<typeof leafSchema>

/** Why the ledger did not debit a line, in the order of `IComputeLedger.Skip`. */
export const SKIP_REASONS = ['ZeroCharge', 'BadSignature', 'Expired', 'OverCeiling', 'OverDeposit'] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

const DAY_SECONDS = 86_400
/** So long a router must serve the data of a batch. */
export const BATCH_DATA_DAYS = KEEP_SECONDS / DAY_SECONDS

/** What a batch took from one account, base units. */
export interface Charges {
  debited: bigint
  /** What the router's float paid instead, and why. */
  skipped: bigint
  reason: SkipReason | undefined
}

/** What a batch added to a payee's gross, base units. */
export interface Credit {
  amount: bigint
  /** The gross after it, by its leaves; undefined without them. */
  to: bigint | undefined
}

export const PAYEE_ROLES = ['node', 'pod', 'frontend'] as const
export type PayeeRole = (typeof PAYEE_ROLES)[number]

/** A batch as its transaction settled it, read back from the chain, and what its data says of one call. */
export interface SettledBatch {
  seq: bigint
  checks: Check[]
  /** All leaves of the call's payer; undefined if the data is not there, or is not what was posted. */
  own: readonly Leaf[] | undefined
  /** Leaves of the call, whoever they say pays: one. Undefined like `own`. */
  copies: number | undefined
  /** Other calls that may take of this call's part of the gross of its payee of that role. Undefined like `own`. */
  nearby: Record<PayeeRole, Nearby> | undefined
  /** Undefined if no line of this batch is of that account. */
  chargesOf(payer: Address): Charges | undefined
  /** To the call's payee of that role; undefined if the batch has no line for it. */
  creditOf(role: PayeeRole): Credit | undefined
}

/** Where a router settles, and how it is asked. */
export interface Place {
  chain: Chain
  ledger: Address
  router: Address
  hasher: Hasher
  transport: Transport
}

/** Of whom a batch's data is asked. */
interface Asked {
  seq: bigint
  txHash: Hex
  /** That the transaction stands in, by the router's word. */
  block?: bigint
  /** The call, lower case: what is shown as its leaf may name another. */
  request: Hex
  leaf: Leaf
  /** Of the call, base units. */
  price: bigint
}

/** How its data is read: `mostLeaves` and `keccak` as `VerifyOptions` has them. */
interface Reading {
  mostLeaves?: number
  keccak?: Keccak
}

/**
 * Reads a batch's transaction and its data, and checks them against each other.
 *
 * @throws `batch.unreadable` (refused) if the transaction is no settlement; what the router says, if it does not show data
 * that it must still keep; `chain.unreachable`, `chain.behind`, `router.unreachable` (later).
 */
export async function settledBatch(place: Place, asked: Asked, reading: Reading = {}): Promise<SettledBatch> {
  const { txHash } = asked
  const { batch, event, skipped, bytes, days } = await readTransaction(place, asked)
  const keys = await Promise.all(batch.payers.map((line) => payerOf(place, line)))
  const isPosted = event.batchHash === toHex(keccak(bytes)) && event.root === batch.root
  const posted = check(
    'batch',
    isPosted,
    `${batch.payers.length} debits, $${formatUsd(event.gross)} in ${txHash}`,
  )
  const charges = chargesBy(batch, keys)
  const settled = { ...event, charges, days }
  const { data, own, copies, nearby, gross } = await readData(place, asked, settled, reading)

  return {
    seq: asked.seq,
    own,
    copies,
    nearby,
    checks: [posted, data],
    chargesOf(payer) {
      const lines = batch.payers.flatMap(({ charge }, line) =>
        same(keys[line], payer) ? [{ charge, reason: skipped.get(BigInt(line)) }] : [],
      )
      if (lines.length === 0) return undefined
      const reason = lines.find((line) => line.reason !== undefined)?.reason
      return {
        debited: sum(lines.filter((line) => line.reason === undefined)),
        skipped: sum(lines.filter((line) => line.reason !== undefined)),
        reason: reason === undefined ? undefined : SKIP_REASONS[reason],
      }
    },
    creditOf(role) {
      const sections = { node: batch.nodes, pod: batch.pods, frontend: batch.frontends }
      const line = sections[role].find((each) => each.id === asked.leaf[role])
      return line && { amount: line.amount, to: gross?.[role] }
    },
  }
}

const sum = (lines: readonly { charge: bigint }[]): bigint =>
  lines.reduce((total, { charge }) => total + charge, 0n)

/** What the data says of one call's payer and payees; nothing unless all of it is what was posted. */
interface Read {
  data: Check
  own?: Leaf[]
  copies?: number
  nearby?: Record<PayeeRole, Nearby>
  gross?: Record<PayeeRole, bigint>
}

/** A settled batch by the chain's word. */
interface Settled {
  dataHash: Hex
  root: Hex
  /** What its lines charge each payer, by itself or by the float. */
  charges: ReadonlyMap<Address, bigint>
  /** Since then. */
  days: bigint
}

function chargesBy({ payers }: Batch, keys: readonly (Address | undefined)[]): Map<Address, bigint> {
  const charges = new Map<Address, bigint>()
  for (const [line, { charge }] of payers.entries()) {
    const key = keys[line]
    if (key) charges.set(key, (charges.get(key) ?? 0n) + charge)
  }
  return charges
}

async function readData(
  { transport, router }: Place,
  { seq, request, leaf, price }: Asked,
  { dataHash, root, charges, days }: Settled,
  { mostLeaves = Number.POSITIVE_INFINITY, keccak: hash }: Reading,
): Promise<Read> {
  const own: Leaf[] = []
  const gross = { node: 0n, pod: 0n, frontend: 0n }
  const neighbours = createNeighbours({ request, leaf, price, charges })
  let copies = 0
  const rooter = createRooter(hash)
  try {
    const { index, parts } = await openData((path) => transport.bytes(path), { router, seq, dataHash }, hash)
    if (index.leaves > mostLeaves) {
      return {
        data: unchecked('data', `${index.leaves} leaves are more than are read here: audit the router`),
      }
    }
    for await (const leaves of parts()) {
      rooter.add(leaves)
      for (const each of leaves) {
        if (same(each.payer, leaf.payer)) own.push(each)
        if (each.request === request) copies += 1
        neighbours.add(each)
        for (const role of PAYEE_ROLES) {
          const total = each[`${role}Gross`]
          if (each[role] === leaf[role] && total > gross[role]) gross[role] = total
        }
      }
    }
    const isIts = rooter.root() === root
    const found = `${index.leaves} leaves in ${index.parts.length} parts behind ${dataHash}`
    return isIts
      ? { data: yes('data', found), own, copies, nearby: neighbours.end(), gross }
      : { data: no('data', `${found} give another root`) }
  } catch (cause) {
    const { code, kind, message } = asHeuristError(cause)
    if (code === 'data.hash_wrong' || code === 'data.unreadable')
      return { data: no('data', `${code}: ${message}`) }
    // By the chain's own clock it must still be there.
    if (kind === 'later' || days < BATCH_DATA_DAYS) throw cause
    const gone = `posted ${days} days ago, kept for ${BATCH_DATA_DAYS}`
    return { data: unchecked('data', `${gone}: the debit could not be recomputed from it`) }
  }
}

/** By name: a process may hold viem twice. */
const isAbsent = (cause: unknown): boolean =>
  cause instanceof Error &&
  ['TransactionNotFoundError', 'TransactionReceiptNotFoundError'].includes(cause.name)

async function readTransaction({ chain, ledger, router }: Place, { seq, txHash: hash, block }: Asked) {
  const found = await askReached(chain, block, () =>
    Promise.all([chain.client.getTransaction({ hash }), chain.client.getTransactionReceipt({ hash })]).catch(
      (cause: unknown) => {
        if (isAbsent(cause)) return undefined
        throw chainError(cause)
      },
    ),
  )
  if (!found) throw refused('batch.unreadable', `the chain knows no transaction ${hash}`)
  const [transaction, receipt] = found
  // A contract that is a router may settle two of its batches at once.
  const logs = parseEventLogs({
    abi: computeLedgerAbi,
    eventName: ['BatchSettled', 'LineSkipped'],
    logs: receipt.logs.filter((log) => same(log.address, ledger)),
  }).filter(({ args }) => args.seq === seq && same(args.router, router))
  const settled = logs.find((log) => log.eventName === 'BatchSettled')
  if (settled?.eventName !== 'BatchSettled')
    throw refused('batch.unreadable', `${hash} settled no batch ${seq} of this router`)
  const skipped = new Map(
    logs.flatMap((log) =>
      log.eventName === 'LineSkipped' ? [[log.args.index, log.args.reason] as const] : [],
    ),
  )
  const bytes = packedBatchIn(hash, transaction.input, settled.args)
  const days = await daysSince(chain, receipt.blockNumber)
  return { batch: unpackBatch(bytes), bytes, event: settled.args, skipped, days }
}

/** Whole days from a block to the newest one. */
async function daysSince({ client }: Chain, blockNumber: bigint): Promise<bigint> {
  const [then, now] = await Promise.all([client.getBlock({ blockNumber }), client.getBlock()]).catch(
    (cause: unknown) => {
      throw chainError(cause)
    },
  )
  return (now.timestamp - then.timestamp) / BigInt(DAY_SECONDS)
}

/** Whose account a line debits: the key that signed its voucher. Lower case. */
export async function payerOf(
  { hasher, router }: Pick<Place, 'hasher' | 'router'>,
  line: Batch['payers'][number],
): Promise<Address | undefined> {
  const { ceiling, expiry, request } = line
  const digest = hasher.digest('Voucher', { router, ceiling, expiry, request })
  const key = await recoverSigner(digest, `${line.r}${line.vs.slice(2)}`)
  return key?.toLowerCase() as Address | undefined
}
