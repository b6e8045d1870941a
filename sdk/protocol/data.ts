import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { refused } from '../errors.ts'
import { type Keccak, keccak, toHex } from './bytes.ts'
import type { Leaf } from './merkle.ts'
import { addressSchema, hashSchema, parseWire, toWire } from './wire.ts'

/**
 * What a router publishes of a batch: parts, each a list of leaves, and the index that names the hash of each part. The
 * batch's `dataHash` is the hash of the index, so that every part can be told from a forged one by itself.
 */

/** The most leaves in a part: 3.4 MB where every figure is as wide as it gets. */
export const PART_LEAVES = 10_000
/** The most parts and leaves of a batch: what a reader may be made to ask for, and to hash. */
export const MOST_PARTS = 1_000
export const MOST_LEAVES = 1_000_000

/** Which batch of which router. */
export interface BatchName {
  router: Address
  seq: bigint
}

export interface Index extends BatchName {
  /** Leaves of the batch. */
  leaves: number
  /** Leaves of every part but the last, which may have fewer. */
  partLeaves: number
  /** Keccak-256 of each part, in order. */
  parts: readonly Hex[]
}

/** Where the documents of a batch are fetched from a router; parts count from 0. */
export const indexPath = (seq: bigint): string => `/v1/batches/${seq}`
export const partPath = (seq: bigint, part: number): string => `/v1/batches/${seq}/parts/${part}`

const VERSION = 2
const utf8 = new TextEncoder()

export const indexBytes = ({ router, seq, leaves, partLeaves, parts }: Index): Uint8Array =>
  utf8.encode(toWire({ version: VERSION, router, seq, leaves, partLeaves, parts }))

/** A leaf as it stands in a part: its fields in the order of the struct. */
export const leafRow = (leaf: Leaf): string =>
  `["${leaf.payer}","${leaf.charged}","${leaf.count}","${leaf.request}","${leaf.receipt}",` +
  `${leaf.node},"${leaf.nodeGross}",${leaf.pod},"${leaf.podGross}",${leaf.frontend},"${leaf.frontendGross}"]`

/** @param rows  {@link leafRow} each of its leaves. */
export const partBytes = ({ router, seq }: BatchName, part: number, rows: readonly string[]): Uint8Array =>
  utf8.encode(
    `{"version":${VERSION},"router":"${router}","seq":"${seq}","part":${part},"leaves":[${rows.join(',')}]}`,
  )

/** Leaves that a part has. */
export const leavesInPart = ({ leaves, partLeaves }: Index, part: number): number =>
  Math.max(0, Math.min(partLeaves, leaves - part * partLeaves))

const amount = z
  .string()
  .regex(/^\d{1,39}$/)
  .transform(BigInt)
const id = z
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1)
const count = z.number().int().positive()

const indexSchema = z.object({
  version: z.literal(VERSION),
  router: addressSchema,
  seq: amount,
  leaves: count.max(MOST_LEAVES),
  partLeaves: count.max(PART_LEAVES),
  parts: z.array(hashSchema).min(1).max(MOST_PARTS),
})

const rowSchema = z
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
  )

const partSchema = z.object({
  version: z.literal(VERSION),
  router: addressSchema,
  seq: amount,
  part: z.number().int().min(0),
  leaves: z.array(rowSchema).max(PART_LEAVES),
})

/**
 * Reads an index that is the one the chain was told of.
 *
 * @throws `data.hash_wrong`, `data.unreadable` (refused).
 */
export function readIndex(
  bytes: Uint8Array,
  { router, seq, dataHash }: BatchName & { dataHash: Hex },
  hash: Keccak = keccak,
): Index {
  demandHash('the index', bytes, dataHash, hash)
  const index = parseWire(indexSchema, parsed(bytes), 'data.unreadable')
  const { leaves, partLeaves, parts } = index
  demandName('the index', index, { router, seq })
  if (parts.length !== Math.ceil(leaves / partLeaves)) {
    throw unreadable(`the index names ${parts.length} parts for ${leaves} leaves, ${partLeaves} each`)
  }
  return { router, seq, leaves, partLeaves, parts }
}

/**
 * Reads a part that is the one its index names in this place.
 *
 * @throws `data.hash_wrong`, `data.unreadable` (refused).
 */
export function readPart(bytes: Uint8Array, index: Index, part: number, hash: Keccak = keccak): Leaf[] {
  const what = `part ${part}`
  demandHash(what, bytes, index.parts[part], hash)
  const read = parseWire(partSchema, parsed(bytes), 'data.unreadable')
  demandName(what, read, index)
  if (read.part !== part) throw unreadable(`part ${part} calls itself part ${read.part}`)
  const expected = leavesInPart(index, part)
  if (read.leaves.length !== expected) {
    throw unreadable(`part ${part} has ${read.leaves.length} leaves, not ${expected}`)
  }
  return read.leaves
}

function demandHash(what: string, bytes: Uint8Array, expected: Hex | undefined, hash: Keccak): void {
  const found = toHex(hash(bytes))
  if (found !== expected) throw refused('data.hash_wrong', `${what} hashes to ${found}, not ${expected}`)
}

function demandName(what: string, found: BatchName, { router, seq }: BatchName): void {
  if (found.router !== router.toLowerCase() || found.seq !== seq) {
    throw unreadable(`${what} is of batch ${found.seq} of ${found.router}`)
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw unreadable('it is not JSON in UTF-8')
  }
}

const unreadable = (message: string) => refused('data.unreadable', message)
