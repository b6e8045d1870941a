import type { Hex } from 'viem'
import { fromHex, type Keccak, keccak, toHex, writeHex, writeUint } from './bytes.ts'

/** One settled job in a batch: cumulative figures of its payer and payees after it, at this router. */
export interface Leaf {
  payer: Hex
  /** The account's charge in all after this job, base units. */
  charged: bigint
  /** Receipts of the account so far. */
  count: bigint
  request: Hex
  /** Struct hash of the Receipt. */
  receipt: Hex
  node: number
  nodeGross: bigint
  pod: number
  podGross: bigint
  /** 0 = none; its gross then counts the frontendless jobs of this router. */
  frontend: number
  frontendGross: bigint
}

/**
 * `keccak256(keccak256(abi.encode(leaf)))`: hashed twice so that no inner node can pass for a leaf.
 *
 * @source `Messages.leafHash` in contracts/libraries/Messages.sol.
 */
export const leafHash = (leaf: Leaf, hash: Keccak = keccak): Hex => toHex(leafDigest(leaf, hash))

/** {@link leafHash} as 32 bytes. */
export function leafDigest(leaf: Leaf, hash: Keccak = keccak): Uint8Array {
  const words = new Uint8Array(11 * WORD)
  writeHex(words, 12, leaf.payer)
  writeUint(words, WORD, WORD, leaf.charged)
  writeUint(words, 2 * WORD, WORD, leaf.count)
  writeHex(words, 3 * WORD, leaf.request)
  writeHex(words, 4 * WORD, leaf.receipt)
  writeUint(words, 6 * WORD - 6, 6, leaf.node)
  writeUint(words, 6 * WORD, WORD, leaf.nodeGross)
  writeUint(words, 8 * WORD - 6, 6, leaf.pod)
  writeUint(words, 8 * WORD, WORD, leaf.podGross)
  writeUint(words, 10 * WORD - 6, 6, leaf.frontend)
  writeUint(words, 10 * WORD, WORD, leaf.frontendGross)
  return hash(hash(words))
}

/** The digests of leaves, one after the other. */
export function digestsOf(leaves: readonly Leaf[], hash: Keccak = keccak): Uint8Array {
  const digests = new Uint8Array(WORD * leaves.length)
  for (const [index, leaf] of leaves.entries()) digests.set(leafDigest(leaf, hash), WORD * index)
  return digests
}

/** Bytes of a node. */
export const WORD = 32
/** Inner nodes that are hashed without a pause. */
const PAUSE = 1_024

/**
 * A binary Merkle tree with sorted pairs, as OpenZeppelin's MerkleProof verifies it.
 * Node i has children 2i+1 and 2i+2; the leaves stand at the end, last leaf first.
 */
export interface MerkleTree {
  readonly root: Hex
  /** Sibling hashes from leaf `index` (order of the input) up to the root. */
  proof(index: number): Hex[]
}

/** @throws RangeError for no leaves. */
export const merkleTree = (leaves: readonly Hex[], hash: Keccak = keccak): MerkleTree =>
  treeOf(grown([fromHex(`0x${leaves.map((leaf) => leaf.slice(2)).join('')}`)], hash))

/** The tree whose nodes were grown. */
export function treeOf(nodes: Uint8Array): MerkleTree {
  const last = nodes.length / WORD - 1
  return {
    root: nodeAt(nodes, 0),
    proof(index) {
      if (index < 0 || index > last / 2) throw new RangeError(`no leaf ${index}`)
      const path: Hex[] = []
      for (let at = last - index; at > 0; at = (at - 1) >> 1) path.push(nodeAt(nodes, siblingOf(at)))
      return path
    },
  }
}

/**
 * All nodes of the tree over digests, which come in any number of runs. Pauses often: a tree of a million leaves takes
 * seconds.
 *
 * @throws RangeError for no leaves.
 */
export function* growNodes(
  digests: readonly Uint8Array[],
  hash: Keccak = keccak,
): Generator<void, Uint8Array> {
  const leaves = digests.reduce((sum, run) => sum + run.length, 0) / WORD
  if (leaves === 0) throw new RangeError('a tree needs a leaf')
  const nodes = new Uint8Array(WORD * (2 * leaves - 1))
  let at = nodes.length
  for (const run of digests) {
    for (let from = 0; from < run.length; from += WORD) {
      at -= WORD
      nodes.set(run.subarray(from, from + WORD), at)
    }
    yield
  }
  for (let node = leaves - 2; node >= 0; node -= 1) {
    hashNode(nodes, node, hash)
    if (node % PAUSE === 0) yield
  }
  return nodes
}

/** {@link growNodes} without a pause. */
export function grown(digests: readonly Uint8Array[], hash: Keccak = keccak): Uint8Array {
  const growing = growNodes(digests, hash)
  for (;;) {
    const { done, value } = growing.next()
    if (done) return value
  }
}

export function verifyMerkle(root: Hex, leaf: Hex, proof: readonly Hex[], hash: Keccak = keccak): boolean {
  const pair = new Uint8Array(2 * WORD)
  const top = proof.reduce((node, sibling) => {
    pair.set(node, 0)
    pair.set(fromHex(sibling), WORD)
    return hashPair(pair, hash)
  }, fromHex(leaf))
  return toHex(top) === root.toLowerCase()
}

export const siblingOf = (node: number): number => (node % 2 === 1 ? node + 1 : node - 1)

export const nodeAt = (nodes: Uint8Array, node: number): Hex =>
  toHex(nodes.subarray(WORD * node, WORD * (node + 1)))

/** Hashes a node's children, which stand side by side, into it. */
export function hashNode(nodes: Uint8Array, node: number, hash: Keccak): void {
  const children = WORD * (2 * node + 1)
  nodes.set(hashPair(nodes.subarray(children, children + 2 * WORD), hash), WORD * node)
}

/** The smaller half first. */
function hashPair(pair: Uint8Array, hash: Keccak): Uint8Array {
  for (let at = 0; at < WORD; at += 1) {
    const difference = (pair[at] ?? 0) - (pair[WORD + at] ?? 0)
    if (difference < 0) break
    if (difference > 0) return hash(swapped(pair))
  }
  return hash(pair)
}

function swapped(pair: Uint8Array): Uint8Array {
  const other = new Uint8Array(2 * WORD)
  other.set(pair.subarray(WORD), 0)
  other.set(pair.subarray(0, WORD), WORD)
  return other
}
