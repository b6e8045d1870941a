import { fromHex, keccak, toHex } from '../../../sdk/protocol/bytes.ts'
import { type MerkleTree, merkleTree } from '../../../sdk/protocol/merkle.ts'

/**
 * What the worker commits to before anyone says which step will be checked: a Merkle tree whose leaf k is the state
 * after k steps (leaf 0 is the noise of the seed, the last leaf is the picture). A verifier asks for the states of one
 * step and their proofs, repeats the step and compares; the same node software gives the same bytes, another
 * execution provider differs by rounding only.
 */
export class LatentSteps {
  readonly #leaves: `0x${string}`[] = []

  /** leaf = keccak256(keccak256(state)), the state as little-endian float32. Hashed twice: no inner node is a leaf. */
  add(state: Float32Array): void {
    const bytes = new Uint8Array(state.byteLength)
    const view = new DataView(bytes.buffer)
    for (const [i, value] of state.entries()) view.setFloat32(4 * i, value, true)
    this.#leaves.push(toHex(keccak(keccak(bytes))))
  }

  tree(): MerkleTree {
    return merkleTree(this.#leaves)
  }

  /** The evidence bytes of the receipt: the 32-byte root. */
  root(): Uint8Array {
    return fromHex(this.tree().root)
  }
}
