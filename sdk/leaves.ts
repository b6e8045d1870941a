import type { Hex } from 'viem'
import { type Keccak, keccak } from './protocol/bytes.ts'
import { type BatchName, type Index, indexPath, partPath, readIndex, readPart } from './protocol/data.ts'
import { digestsOf, grown, type Leaf, nodeAt } from './protocol/merkle.ts'

/** Gives one document of a batch's data: what a router serves under a path, or what was kept of that hash. */
export type Documents = (path: string, hash: Hex) => Promise<Uint8Array>

/** The data of one batch: its leaves come part by part, so that nobody holds a million of them. */
export interface Data {
  index: Index
  /** In order. Each part is the one that the index names. */
  parts(): AsyncGenerator<Leaf[], void, void>
}

/**
 * Opens the data behind a `dataHash`.
 *
 * @throws `data.hash_wrong`, `data.unreadable` (refused), here and for each part; what `documents` throws.
 */
export async function openData(
  documents: Documents,
  batch: BatchName & { dataHash: Hex },
  hash: Keccak = keccak,
): Promise<Data> {
  const { seq, dataHash } = batch
  const index = readIndex(await documents(indexPath(seq), dataHash), batch, hash)
  return {
    index,
    async *parts() {
      for (const [part, partHash] of index.parts.entries()) {
        yield readPart(await documents(partPath(seq, part), partHash), index, part, hash)
      }
    },
  }
}

/** The root of leaves that come part by part: 32 bytes of each are kept. */
export function createRooter(hash: Keccak = keccak): {
  add(leaves: readonly Leaf[]): void
  /** @throws RangeError for no leaves. */
  root(): Hex
  /** All nodes of the tree. */
  nodes(): Uint8Array
} {
  const digests: Uint8Array[] = []
  const nodes = () => grown(digests, hash)
  return {
    add: (leaves) => void digests.push(digestsOf(leaves, hash)),
    root: () => nodeAt(nodes(), 0),
    nodes,
  }
}
