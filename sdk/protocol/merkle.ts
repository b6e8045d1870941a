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
export function leafHash(leaf: Leaf, hash: Keccak = keccak): Hex {
  const words = new Uint8Array(11 * 32)
  const uints: (bigint | number | undefined)[] = [
    undefined,
    leaf.charged,
    leaf.count,
    undefined,
    undefined,
    leaf.node,
    leaf.nodeGross,
    leaf.pod,
    leaf.podGross,
    leaf.frontend,
    leaf.frontendGross,
  ]
  uints.forEach((value, index) => {
    if (value !== undefined) writeUint(words, 32 * index, 32, BigInt(value))
  })
  writeHex(words, 12, leaf.payer)
  writeHex(words, 32 * 3, leaf.request)
  writeHex(words, 32 * 4, leaf.receipt)
  return toHex(hash(hash(words)))
}

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
export function merkleTree(leaves: readonly Hex[], hash: Keccak = keccak): MerkleTree {
  if (leaves.length === 0) throw new RangeError('a tree needs a leaf')
  const nodes: Uint8Array[] = new Array(2 * leaves.length - 1)
  leaves.forEach((leaf, index) => {
    nodes[nodes.length - 1 - index] = fromHex(leaf)
  })
  for (let at = nodes.length - 1 - leaves.length; at >= 0; at -= 1) {
    nodes[at] = hashPair(nodes[2 * at + 1] as Uint8Array, nodes[2 * at + 2] as Uint8Array, hash)
  }

  return {
    root: toHex(nodes[0] as Uint8Array),
    proof(index) {
      if (index < 0 || index >= leaves.length) throw new RangeError(`no leaf ${index}`)
      const path: Hex[] = []
      for (let at = nodes.length - 1 - index; at > 0; at = (at - 1) >> 1) {
        path.push(toHex(nodes[at % 2 === 1 ? at + 1 : at - 1] as Uint8Array))
      }
      return path
    },
  }
}

export function verifyMerkle(root: Hex, leaf: Hex, proof: readonly Hex[], hash: Keccak = keccak): boolean {
  const top = proof.reduce((node, sibling) => hashPair(node, fromHex(sibling), hash), fromHex(leaf))
  return toHex(top) === root.toLowerCase()
}

function hashPair(a: Uint8Array, b: Uint8Array, hash: Keccak): Uint8Array {
  const pair = new Uint8Array(64)
  const aFirst = compare(a, b) <= 0
  pair.set(aFirst ? a : b, 0)
  pair.set(aFirst ? b : a, 32)
  return hash(pair)
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < 32; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
