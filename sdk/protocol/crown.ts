import type { Hex } from 'viem'
import { type Keccak, keccak } from './bytes.ts'
import { hashNode, nodeAt, siblingOf, WORD } from './merkle.ts'

/**
 * Proofs without a whole tree: its crown is kept, some tens of kilobytes for a million leaves, and of the branch below it
 * that holds a leaf, the leaves are hashed again when a proof is asked for.
 */

/** A branch has at most 2^10 leaves. */
const BRANCH_LEVELS = 10

/** A part of a tree below its crown. */
export interface Branch {
  /** Its root, a node of the crown's lowest row. */
  node: number
  /** Leaves under it, in runs, both ends included: the two lowest rows of a tree are apart. */
  runs: readonly (readonly [first: number, last: number])[]
}

/** Nodes of the crown of a tree of so many leaves: every row down to the one whose branches are small enough. */
export function crownNodes(leaves: number): number {
  const rows = rowOf(2 * leaves - 2)
  return 2 ** (Math.max(0, rows - BRANCH_LEVELS) + 1) - 1
}

export const crownOf = (nodes: Uint8Array): Uint8Array =>
  nodes.slice(0, WORD * crownNodes((nodes.length / WORD + 1) / 2))

/** The branch that holds leaf `index` of a tree. */
export function branchOf(leaves: number, index: number): Branch {
  if (index < 0 || index >= leaves) throw new RangeError(`no leaf ${index}`)
  const end = crownNodes(leaves)
  let node = 2 * leaves - 2 - index
  while (node >= end) node = (node - 1) >> 1
  const runs: [number, number][] = []
  for (let [from, size] = [node, 1]; from <= 2 * leaves - 2; [from, size] = [2 * from + 1, 2 * size]) {
    const first = Math.max(from, leaves - 1)
    const last = Math.min(from + size - 1, 2 * leaves - 2)
    if (first <= last) runs.push([2 * leaves - 2 - last, 2 * leaves - 2 - first])
  }
  return { node, runs }
}

/**
 * The nodes of a branch, numbered like those of a tree.
 *
 * @param digests  Of its leaves: one array per run.
 */
export function growBranch(
  leaves: number,
  { node: root, runs }: Branch,
  digests: readonly Uint8Array[],
  hash: Keccak = keccak,
): Uint8Array {
  const lowest = Math.max(...runs.map(([first]) => 2 * leaves - 2 - first))
  const nodes = new Uint8Array(WORD * (below(root, lowest) + 1))
  for (const [run, [first, last]] of runs.entries()) {
    for (let leaf = first; leaf <= last; leaf += 1) {
      const digest = digests[run]?.subarray(WORD * (leaf - first), WORD * (leaf - first + 1))
      if (digest) nodes.set(digest, WORD * below(root, 2 * leaves - 2 - leaf))
    }
  }
  const isInner = (at: number) => above(root, at) < leaves - 1
  for (let at = (nodes.length / WORD - 1) >> 1; at >= 0; at -= 1) if (isInner(at)) hashNode(nodes, at, hash)
  return nodes
}

/** The proof of a leaf, from its branch up through the crown. */
export function proofOf(
  leaves: number,
  index: number,
  { crown, branch, node: root }: { crown: Uint8Array; branch: Uint8Array; node: number },
): Hex[] {
  const end = crown.length / WORD
  const path: Hex[] = []
  for (let at = 2 * leaves - 2 - index; at > 0; at = (at - 1) >> 1) {
    const sibling = siblingOf(at)
    path.push(sibling < end ? nodeAt(crown, sibling) : nodeAt(branch, below(root, sibling)))
  }
  return path
}

/** Rows from the top of a tree down to a node. */
const rowOf = (node: number): number => 31 - Math.clz32(node + 1)

/** The number within the branch under `root` of a node of the tree. */
function below(root: number, node: number): number {
  const rows = rowOf(node) - rowOf(root)
  return node - (root + 1) * 2 ** rows + 2 ** rows
}

/** The other way round. */
function above(root: number, node: number): number {
  const rows = rowOf(node)
  return node - 2 ** rows + (root + 1) * 2 ** rows
}
