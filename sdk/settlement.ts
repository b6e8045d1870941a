import { type Address, decodeFunctionData, type Hex, parseEventLogs } from 'viem'
import { z } from 'zod'
import { computeLedgerAbi } from './chain/abi.ts'
import type { Chain } from './chain/clients.ts'
import { chainError } from './chain/errors.ts'
import type { leafSchema } from './documents.ts'
import { refused } from './errors.ts'
import { type Batch, type PayeeLine, unpackBatch } from './protocol/batch.ts'
import { fromHex, keccak, toHex } from './protocol/bytes.ts'
import { leafHash, merkleTree } from './protocol/merkle.ts'
import type { Hasher } from './protocol/messages.ts'
import { addressSchema, hashSchema } from './protocol/wire.ts'
import { recoverSigner, same } from './recover.ts'
import type { Transport } from './transport.ts'
import { formatUsd } from './units.ts'
import type { Check } from './verify.ts'

export type Leaf = z.output<typeof leafSchema>

/** What a cumulative figure was before and after a batch, base units. */
export interface Interval {
  from: bigint
  to: bigint
}

/** Why the ledger did not debit a line, in the order of `IComputeLedger.Skip`. */
export const SKIP_REASONS = ['ZeroCharge', 'BadSignature', 'Expired', 'OverCeiling', 'OverDeposit'] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

/** A batch as its transaction settled it, read back from the chain. */
export interface SettledBatch {
  checks: Check[]
  /** Of an account's `charged`; undefined if no line of this batch debited it. */
  debitOf(payer: Address): Interval | undefined
  /** Of an account's `charged` that the router's float paid, and why; undefined if no line of it was skipped. */
  skippedOf(payer: Address): (Interval & { reason: SkipReason }) | undefined
  /** Of a payee's gross; undefined if the batch has no line for it. */
  creditOf(role: 'node' | 'pod' | 'frontend', id: number): Interval | undefined
}

interface Place {
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
 * @throws `batch.unreadable` (refused) if the transaction is no settlement; `chain.unreachable` (later).
 */
export async function settledBatch(
  place: Place,
  { seq, txHash }: { seq: bigint; txHash: Hex },
): Promise<SettledBatch> {
  const { batch, event, skipped, bytes } = await readTransaction(place, seq, txHash)
  const data = await place.transport.bytes(`/v1/batches/${seq}`)
  const dataHash = toHex(keccak(data))
  const { leaves } = parseData(data)
  const { root } = merkleTree(leaves.map((leaf) => leafHash(leaf)))
  const keys = await Promise.all(batch.payers.map((line) => keyOf(place, line)))

  const checks: Check[] = [
    {
      name: 'batch',
      ok: event.batchHash === toHex(keccak(bytes)) && event.root === batch.root,
      detail: `${batch.payers.length} debits, $${formatUsd(event.gross)} in ${txHash}`,
    },
    {
      name: 'data',
      ok: dataHash === event.dataHash && root === event.root,
      detail: `${leaves.length} leaves behind ${event.dataHash}`,
    },
  ]
  return {
    checks,
    skippedOf(payer) {
      const index = batch.payers.findIndex((_, line) => same(keys[line], payer) && skipped.has(BigInt(line)))
      const to = largest(leaves.filter((leaf) => leaf.payer === payer).map((leaf) => leaf.charged))
      const line = batch.payers[index]
      if (!line || to === undefined) return undefined
      return {
        from: to - line.charge,
        to,
        reason: SKIP_REASONS[skipped.get(BigInt(index)) ?? 0] ?? 'ZeroCharge',
      }
    },
    debitOf(payer) {
      const lines = batch.payers.filter((_, index) => same(keys[index], payer) && !skipped.has(BigInt(index)))
      const to = largest(leaves.filter((leaf) => leaf.payer === payer).map((leaf) => leaf.charged))
      if (lines.length === 0 || to === undefined) return undefined
      return { from: to - lines.reduce((sum, line) => sum + line.charge, 0n), to }
    },
    creditOf(role, payee) {
      const sections: Record<typeof role, PayeeLine[]> = {
        node: batch.nodes,
        pod: batch.pods,
        frontend: batch.frontends,
      }
      const line = sections[role].find((each) => each.id === payee)
      const to = largest(leaves.filter((leaf) => leaf[role] === payee).map((leaf) => leaf[`${role}Gross`]))
      return line && to !== undefined ? { from: to - line.amount, to } : undefined
    },
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
  return { batch: unpackBatch(bytes), bytes, event: settled.args, skipped }
}

function parseData(data: Uint8Array) {
  try {
    return batchDataSchema.parse(JSON.parse(new TextDecoder().decode(data)))
  } catch (cause) {
    throw refused('batch.unreadable', 'the batch data of the router cannot be read', { cause })
  }
}

/** Whose account a line debits: the key that signed its voucher. */
function keyOf({ hasher, router }: Place, line: Batch['payers'][number]): Promise<Address | undefined> {
  const { ceiling, expiry, request } = line
  const digest = hasher.digest('Voucher', { router, ceiling, expiry, request })
  return recoverSigner(digest, `${line.r}${line.vs.slice(2)}`)
}

const largest = (amounts: bigint[]): bigint | undefined =>
  amounts.reduce<bigint | undefined>(
    (most, each) => (most === undefined || each > most ? each : most),
    undefined,
  )
