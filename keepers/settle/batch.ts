import type { Address, Hex } from 'viem'
import { fastKeccak } from '../../sdk/native.ts'
import {
  HEADER_BYTES,
  PAYEE_LINE_BYTES,
  PAYER_LINE_BYTES,
  type PayeeLine,
  packBatch,
} from '../../sdk/protocol/batch.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { type Leaf, leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'
import { toWire } from '../../sdk/protocol/wire.ts'
import type { KeptVoucher, NewBatch, UnpostedLeaf } from '../router/ledger/ledger.ts'
import type { Payee } from './credited.ts'

const ZERO = `0x${'00'.repeat(32)}` as const
/** Widths of a batch line. */
const MOST_AMOUNT = (1n << 48n) - 1n
const MOST_LINES = 65_535

/** A payer without a voucher: its line is skipped on chain and paid by the float. Cannot happen; must not stop others. */
const NO_VOUCHER: KeptVoucher = { r: ZERO, vs: ZERO, request: ZERO, ceiling: 0n, expiry: 0 }

/** The published batch data: every leaf, its fields in the order of the struct. `dataHash` is keccak-256 of these bytes. */
export function batchData(router: Address, seq: bigint, leaves: readonly Leaf[]): Uint8Array {
  const rows = leaves.map((leaf) => [
    leaf.payer,
    leaf.charged,
    leaf.count,
    leaf.request,
    leaf.receipt,
    leaf.node,
    leaf.nodeGross,
    leaf.pod,
    leaf.podGross,
    leaf.frontend,
    leaf.frontendGross,
  ])
  return new TextEncoder().encode(toWire({ version: 1, router, seq, leaves: rows }))
}

/**
 * Gas at most, bytes included: fixed, per payer, per payee, and per payee that this epoch has not credited yet.
 * Measured: 76k, 11.7k, 5.8k, 28.8k; a payee that was never credited at all is 23.4k.
 */
const MOST_GAS = { fixed: 80_000, payer: 12_000, payee: 6_000, firstOfEpoch: 29_000 }

/** Limits of one transaction, and of what its readers take. */
export interface Room {
  maxLeaves: number
  maxBytes: number
  maxGas: number
}

/**
 * How many of the leaves, in order, fit one batch: leaves, bytes, gas at most, lines, and the width of every amount.
 *
 * @param isCredited  Whether a payee has a line in a batch of this epoch already.
 */
export function howManyFit(
  leaves: readonly UnpostedLeaf[],
  { maxLeaves, maxBytes, maxGas }: Room,
  isCredited: (payee: Payee) => boolean,
): number {
  const gasOf = (payee: Payee) => (isCredited(payee) ? MOST_GAS.payee : MOST_GAS.firstOfEpoch)
  const sums = new Map<string, bigint>()
  let bytes = HEADER_BYTES
  let gas = MOST_GAS.fixed
  for (const [index, { body, price }] of leaves.entries()) {
    if (index === maxLeaves) return index
    const payees: Payee[] = [`node ${body.node}`, `pod ${body.pod}`, `frontend ${body.frontend}`]
    for (const line of [body.payer, ...payees] as const) {
      const sum = sums.get(line)
      if (sum === undefined) {
        const isPayer = line === body.payer
        bytes += isPayer ? PAYER_LINE_BYTES : PAYEE_LINE_BYTES
        gas += isPayer ? MOST_GAS.payer : gasOf(line as Payee)
      }
      if ((sum ?? 0n) + price > MOST_AMOUNT || sums.size + 4 > MOST_LINES) return index
      sums.set(line, (sum ?? 0n) + price)
    }
    if (bytes > maxBytes || gas > maxGas) return index
  }
  return leaves.length
}

/** The hashes of leaves, in order. */
export const hashesOf = (leaves: readonly UnpostedLeaf[]): Hex[] =>
  leaves.map(({ body }) => leafHash(body, fastKeccak))

/**
 * The router's next batch of these leaves: each payer once, each payee once, to the last unit.
 *
 * @param hashes  {@link hashesOf} the leaves: most of the work, which a busy router does in pieces.
 */
export function buildBatch(
  router: Address,
  leaves: readonly UnpostedLeaf[],
  previous: { seq: bigint; hash: Hex },
  hashes: readonly Hex[] = hashesOf(leaves),
): NewBatch {
  const seq = previous.seq + 1n
  const bodies = leaves.map((leaf) => leaf.body)
  const data = batchData(router, seq, bodies)
  const { root } = merkleTree(hashes, fastKeccak)
  const payers = new Map<Address, { voucher: KeptVoucher; charge: bigint }>()
  for (const { body, price, voucher } of leaves) {
    const line = payers.get(body.payer) ?? { voucher: voucher ?? NO_VOUCHER, charge: 0n }
    line.charge += price
    payers.set(body.payer, line)
  }
  const packed = packBatch({
    seq,
    prev: previous.hash,
    root,
    dataHash: toHex(fastKeccak(data)),
    payers: [...payers.values()].map(({ voucher, charge }) => ({ ...voucher, charge })),
    nodes: payeeLines(leaves, 'node'),
    pods: payeeLines(leaves, 'pod'),
    frontends: payeeLines(leaves, 'frontend'),
  })
  return {
    seq,
    firstLeaf: leaves[0]?.leaf ?? 0,
    lastLeaf: leaves.at(-1)?.leaf ?? 0,
    packed,
    data,
    hash: toHex(fastKeccak(packed)),
    root,
    gross: leaves.reduce((sum, leaf) => sum + leaf.price, 0n),
  }
}

function payeeLines(leaves: readonly UnpostedLeaf[], role: 'node' | 'pod' | 'frontend'): PayeeLine[] {
  const sums = new Map<number, bigint>()
  for (const { body, price } of leaves) sums.set(body[role], (sums.get(body[role]) ?? 0n) + price)
  return [...sums].map(([id, amount]) => ({ id, amount })).sort((a, b) => a.id - b.id)
}
