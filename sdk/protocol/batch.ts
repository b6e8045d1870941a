import type { Hex } from 'viem'
import { readUint, toHex, writeHex, writeUint } from './bytes.ts'

/** One payer's line: its best voucher and what to debit now. */
export interface PayerLine {
  /** EIP-2098 compact signature: r, then s with the parity bit on top. */
  r: Hex
  vs: Hex
  /** The voucher's request. */
  request: Hex
  ceiling: bigint
  expiry: number
  /** Base units to debit, below 2^48. */
  charge: bigint
}

/** One payee's line: what this batch adds to its gross, base units. */
export interface PayeeLine {
  id: number
  amount: bigint
}

/** A settlement batch, as `ComputeLedger.settle(bytes)` takes it. */
export interface Batch {
  /** 1 for a router's first. */
  seq: bigint
  /** Hash of the packed bytes of the previous batch; zero for the first. */
  prev: Hex
  /** Merkle root of the leaves of the batch data. */
  root: Hex
  /** Keccak-256 of the index of the batch data, which the router serves for 30 days with its parts. @source data.ts */
  dataHash: Hex
  payers: PayerLine[]
  /** Each section with strictly increasing ids. */
  nodes: PayeeLine[]
  pods: PayeeLine[]
  frontends: PayeeLine[]
}

export const HEADER_BYTES = 112
export const PAYER_LINE_BYTES = 115
export const PAYEE_LINE_BYTES = 10

/** @throws RangeError if a figure does not fit its field. */
export function packBatch(batch: Batch): Uint8Array {
  const payees = [...batch.nodes, ...batch.pods, ...batch.frontends]
  const bytes = new Uint8Array(
    HEADER_BYTES + PAYER_LINE_BYTES * batch.payers.length + PAYEE_LINE_BYTES * payees.length,
  )
  writeUint(bytes, 0, 8, batch.seq)
  writeHex(bytes, 8, batch.prev)
  writeHex(bytes, 40, batch.root)
  writeHex(bytes, 72, batch.dataHash)
  ;[batch.payers, batch.nodes, batch.pods, batch.frontends].forEach((section, index) => {
    writeUint(bytes, 104 + 2 * index, 2, section.length)
  })

  let at = HEADER_BYTES
  for (const line of batch.payers) {
    writeHex(bytes, at, line.r)
    writeHex(bytes, at + 32, line.vs)
    writeHex(bytes, at + 64, line.request)
    writeUint(bytes, at + 96, 8, line.ceiling)
    writeUint(bytes, at + 104, 5, line.expiry)
    writeUint(bytes, at + 109, 6, line.charge)
    at += PAYER_LINE_BYTES
  }
  for (const line of payees) {
    writeUint(bytes, at, 4, line.id)
    writeUint(bytes, at + 4, 6, line.amount)
    at += PAYEE_LINE_BYTES
  }
  return bytes
}

/** @throws RangeError if the bytes are not exactly one batch. */
export function unpackBatch(bytes: Uint8Array): Batch {
  const count = (index: number) => Number(readUint(bytes, 104 + 2 * index, 2))
  const hex = (at: number, size: number) => toHex(bytes.subarray(at, at + size))
  const payees = count(1) + count(2) + count(3)
  const length = HEADER_BYTES + PAYER_LINE_BYTES * count(0) + PAYEE_LINE_BYTES * payees
  if (bytes.length !== length) throw new RangeError(`a batch of ${bytes.length} bytes, not ${length}`)

  let at = HEADER_BYTES
  const payers = Array.from({ length: count(0) }, () => {
    const line = {
      r: hex(at, 32),
      vs: hex(at + 32, 32),
      request: hex(at + 64, 32),
      ceiling: readUint(bytes, at + 96, 8),
      expiry: Number(readUint(bytes, at + 104, 5)),
      charge: readUint(bytes, at + 109, 6),
    }
    at += PAYER_LINE_BYTES
    return line
  })
  const section = (size: number) =>
    Array.from({ length: size }, () => {
      const line = { id: Number(readUint(bytes, at, 4)), amount: readUint(bytes, at + 4, 6) }
      at += PAYEE_LINE_BYTES
      return line
    })
  return {
    seq: readUint(bytes, 0, 8),
    prev: hex(8, 32),
    root: hex(40, 32),
    dataHash: hex(72, 32),
    payers,
    nodes: section(count(1)),
    pods: section(count(2)),
    frontends: section(count(3)),
  }
}
