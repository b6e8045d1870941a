import { type Address, decodeFunctionData, type Hex, parseEventLogs } from 'viem'
import { z } from 'zod'
import { KEEP_SECONDS } from './audit.ts'
import { computeLedgerAbi } from './chain/abi.ts'
import type { Chain } from './chain/clients.ts'
import { chainError } from './chain/errors.ts'
import { type Check, check, unchecked } from './checks.ts'
import type { leafSchema } from './documents.ts'
import { asHeuristError, refused } from './errors.ts'
import { type Batch, type PayeeLine, unpackBatch } from './protocol/batch.ts'
import { fromHex, keccak, toHex } from './protocol/bytes.ts'
import { leafHash, merkleTree } from './protocol/merkle.ts'
import type { Hasher } from './protocol/messages.ts'
import { addressSchema, hashSchema } from './protocol/wire.ts'
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

/** A batch as its transaction settled it, read back from the chain. */
export interface SettledBatch {
  seq: bigint
  checks: Check[]
  /** Undefined if the router has forgotten them, as it may when they are old. */
  leaves: readonly Leaf[] | undefined
  /** Undefined if no line of this batch is of that account. */
  chargesOf(payer: Address): Charges | undefined
  /** Undefined if the batch has no line for that payee. */
  creditOf(role: 'node' | 'pod' | 'frontend', id: number): Credit | undefined
}

/** Where a router settles, and how it is asked. */
export interface Place {
  chain: Chain
  ledger: Address
  router: Address
  hasher: Hasher
  transport: Transport
}

const amount = z.union([z.string().regex(/^\d{1,39}$/), z.number().int().nonnegative()]).transform(BigInt)
const id = z.number().int().nonnegative()

/** What stands behind a batch's `dataHash`: its leaves in the order of the struct. */
export const batchDataSchema = z.object({
  version: z.literal(1),
  router: addressSchema,
  seq: amount,
  leaves: z.array(
    z
      .tuple([addressSchema, amount, amount, hashSchema, hashSchema, id, amount, id, amount, id, amount])
      .transform(
        ([
          payer,
          charged,
          count,
          request,
          receipt,
          node,
          nodeGross,
          pod,
          podGross,
          frontend,
          frontendGross,
        ]): Leaf => ({
          payer,
          charged,
          count,
          request,
          receipt,
          node,
          nodeGross,
          pod,
          podGross,
          frontend,
          frontendGross,
        }),
      ),
  ),
})

/**
 * Reads a batch's transaction and its data, and checks them against each other.
 *
 * @throws `batch.unreadable` (refused) if the transaction is no settlement; what the router says, if it does not show data
 * that it must still keep; `chain.unreachable`, `router.unreachable` (later).
 */
export async function settledBatch(
  place: Place,
  { seq, txHash }: { seq: bigint; txHash: Hex },
): Promise<SettledBatch> {
  const { batch, event, skipped, bytes, days } = await readTransaction(place, seq, txHash)
  const data = await keptData(place, seq, days)
  const leaves = data && parseData(data).leaves
  const keys = await Promise.all(batch.payers.map((line) => payerOf(place, line)))
  const isPosted = event.batchHash === toHex(keccak(bytes)) && event.root === batch.root

  return {
    seq,
    leaves,
    checks: [
      check('batch', isPosted, `${batch.payers.length} debits, $${formatUsd(event.gross)} in ${txHash}`),
      data && leaves
        ? check('data', isBehind(event, data, leaves), `${leaves.length} leaves behind ${event.dataHash}`)
        : unchecked(
            'data',
            `posted ${days} days ago, kept for ${BATCH_DATA_DAYS}: the debit could not be recomputed from it`,
          ),
    ],
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
    creditOf(role, payee) {
      const sections: Record<typeof role, PayeeLine[]> = {
        node: batch.nodes,
        pod: batch.pods,
        frontend: batch.frontends,
      }
      const line = sections[role].find((each) => each.id === payee)
      const own = leaves?.filter((leaf) => leaf[role] === payee).map((leaf) => leaf[`${role}Gross`])
      return line && { amount: line.amount, to: own && largest(own) }
    },
  }
}

const sum = (lines: readonly { charge: bigint }[]): bigint =>
  lines.reduce((total, { charge }) => total + charge, 0n)

const largest = (amounts: readonly bigint[]): bigint =>
  [...amounts].sort((a, b) => (a < b ? -1 : 1)).at(-1) ?? 0n

const isBehind = (event: { dataHash: Hex; root: Hex }, data: Uint8Array, leaves: readonly Leaf[]): boolean =>
  toHex(keccak(data)) === event.dataHash &&
  merkleTree(leaves.map((leaf) => leafHash(leaf))).root === event.root

/** Undefined if the router shows none and, by the chain's own clock, no longer has to. */
async function keptData({ transport }: Place, seq: bigint, days: bigint): Promise<Uint8Array | undefined> {
  try {
    return await transport.bytes(`/v1/batches/${seq}`)
  } catch (cause) {
    if (asHeuristError(cause).kind === 'later' || days < BATCH_DATA_DAYS) throw cause
    return undefined
  }
}

async function readTransaction({ chain, ledger, router }: Place, seq: bigint, hash: Hex) {
  const [transaction, receipt] = await Promise.all([
    chain.client.getTransaction({ hash }),
    chain.client.getTransactionReceipt({ hash }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  if (!same(transaction.to ?? undefined, ledger) || !same(transaction.from, router)) {
    throw refused('batch.unreadable', `${hash} is not this router's transaction to the ledger`)
  }
  const logs = parseEventLogs({
    abi: computeLedgerAbi,
    logs: receipt.logs.filter((log) => same(log.address, ledger)),
  })
  const settled = logs.find((log) => log.eventName === 'BatchSettled')
  if (
    settled?.eventName !== 'BatchSettled' ||
    settled.args.seq !== seq ||
    !same(settled.args.router, router)
  ) {
    throw refused('batch.unreadable', `${hash} settled no batch ${seq} of this router`)
  }
  const skipped = new Map(
    logs.flatMap((log) =>
      log.eventName === 'LineSkipped' ? [[log.args.index, log.args.reason] as const] : [],
    ),
  )
  const call = decodeFunctionData({ abi: computeLedgerAbi, data: transaction.input })
  if (call.functionName !== 'settle') throw refused('batch.unreadable', `${hash} calls ${call.functionName}`)
  const bytes = fromHex(call.args[0])
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

function parseData(data: Uint8Array) {
  try {
    return batchDataSchema.parse(JSON.parse(new TextDecoder().decode(data)))
  } catch (cause) {
    throw refused('batch.unreadable', 'the batch data of the router cannot be read', { cause })
  }
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
