import type { Hex } from 'viem'
import { asHeuristError, bug, later } from '../../sdk/errors.ts'
import { fastKeccak } from '../../sdk/native.ts'
import { type Branch, branchOf, crownOf, growBranch, proofOf } from '../../sdk/protocol/crown.ts'
import { digestsOf, growNodes, nodeAt } from '../../sdk/protocol/merkle.ts'
import type { BatchRow, Ledger } from '../router/ledger/ledger.ts'
import { createKept } from './kept.ts'
import { piecesAfter, withPauses } from './pieces.ts'

type Batch = Pick<BatchRow, 'seq' | 'root' | 'firstLeaf' | 'lastLeaf'>

/**
 * The Merkle proof of a leaf, by its number in the ledger: anybody may ask for it as often as it likes.
 *
 * @param asker  Who asks; absent if nobody is told apart.
 * @throws `proofs.busy` (later) beyond {@link MOST_WAITING} branches that are not kept yet, {@link MOST_OF_ONE} of one
 *   asker; `batch.differs` (bug).
 */
export type Proofs = (batch: Batch, leaf: number, asker?: string) => Promise<Hex[]>

/** Crowns and branches that are kept: at most 64 KiB each, for batches of any size. */
const MOST_KEPT = 64
/** Branches that wait to be made: each takes some ten milliseconds, and nobody waits for more than these. */
const MOST_WAITING = 32
/** A flooder leaves three quarters of them to others. */
const MOST_OF_ONE = MOST_WAITING / 4

const limit = {
  most: MOST_WAITING,
  mostOfOne: MOST_OF_ONE,
  busy: (most: number) =>
    later('proofs.busy', 'This router is asked for more Merkle proofs than it makes at once.', {
      fix: 'Ask again after `retryAfterSeconds`.',
      details: { most, retryAfterSeconds: 1 },
    }),
}

/** A receipt does not wait for its proof: undefined while the router is busy with others. */
export const unlessBusy = (proof: Promise<Hex[]>): Promise<Hex[] | undefined> =>
  proof.catch((cause: unknown) => {
    if (asHeuristError(cause).code === 'proofs.busy') return undefined
    throw cause
  })

/** A proof hashes the leaves of one branch, a thousand at most; the crown above was kept when the batch was built. */
export function createProofs(ledger: Pick<Ledger, 'leavesAfter' | 'crownOf'>): Proofs {
  const crowns = createKept<Uint8Array>(MOST_KEPT, limit)
  const branches = createKept<Uint8Array>(MOST_KEPT, limit)

  async function digests(first: number, last: number): Promise<Uint8Array[]> {
    const runs: Uint8Array[] = []
    for await (const piece of piecesAfter(ledger, first - 1, last - first + 1)) {
      runs.push(
        digestsOf(
          piece.map(({ body }) => body),
          fastKeccak,
        ),
      )
    }
    return runs
  }

  /** A ledger that is older than crowns keeps none of its first batches, which were small. */
  async function crownFor({ seq, firstLeaf, lastLeaf }: Batch): Promise<Uint8Array> {
    const crown = await ledger.crownOf(seq)
    if (crown.length > 0) return crown
    return crownOf(await withPauses(growNodes(await digests(firstLeaf, lastLeaf), fastKeccak)))
  }

  async function grow({ firstLeaf, lastLeaf }: Batch, branch: Branch): Promise<Uint8Array> {
    const runs: Uint8Array[] = []
    for (const [first, last] of branch.runs) {
      runs.push(Buffer.concat(await digests(firstLeaf + first, firstLeaf + last)))
    }
    return growBranch(lastLeaf - firstLeaf + 1, branch, runs, fastKeccak)
  }

  return async (batch, leaf, asker) => {
    const leaves = batch.lastLeaf - batch.firstLeaf + 1
    const index = leaf - batch.firstLeaf
    const branch = branchOf(leaves, index)
    const crown = await crowns(batch.root, () => crownFor(batch), asker)
    const nodes = await branches(`${batch.root} ${branch.node}`, () => grow(batch, branch), asker)
    if (nodeAt(nodes, 0) !== nodeAt(crown, branch.node) || nodeAt(crown, 0) !== batch.root) {
      throw bug('batch.differs', `the ledger has other leaves than batch ${batch.seq} was made of`, {
        fix: 'Restore the journal that posted it.',
        details: { seq: Number(batch.seq) },
      })
    }
    return proofOf(leaves, index, { crown, branch: nodes, node: branch.node })
  }
}
