import type { Hex } from 'viem'
import { fastKeccak } from '../../sdk/native.ts'
import { type MerkleTree, merkleTree } from '../../sdk/protocol/merkle.ts'
import type { BatchRow, Ledger } from '../router/ledger/ledger.ts'
import { hashesOf } from './batch.ts'
import { inPieces, readInPieces } from './pieces.ts'

/** The tree of a batch, whose making takes a second: anybody may ask for proofs as often as it likes. */
export type Trees = (batch: Pick<BatchRow, 'root' | 'firstLeaf' | 'lastLeaf'>) => Promise<MerkleTree>

/** Trees of full batches that are kept: some ten megabytes each. */
const MOST_KEPT = 8

/** Each tree is made once while it is asked for, and one after the other. */
export function createTrees(ledger: Pick<Ledger, 'leavesAfter'>): Trees {
  const kept = new Map<Hex, Promise<MerkleTree>>()
  let tail: Promise<unknown> = Promise.resolve()

  async function make({ firstLeaf, lastLeaf }: Parameters<Trees>[0]): Promise<MerkleTree> {
    const leaves = await readInPieces(ledger, firstLeaf - 1, lastLeaf - firstLeaf + 1)
    return merkleTree(await inPieces(leaves, hashesOf), fastKeccak)
  }

  function begin(batch: Parameters<Trees>[0]): Promise<MerkleTree> {
    const tree = tail.then(() => make(batch))
    tail = tree.catch(() => kept.delete(batch.root))
    return tree
  }

  return (batch) => {
    const tree = kept.get(batch.root) ?? begin(batch)
    // The one that was asked for last is the last to go.
    kept.delete(batch.root)
    kept.set(batch.root, tree)
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size > MOST_KEPT) kept.delete(oldest)
    return tree
  }
}
