import { type Leaf, leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'
import type { House } from './house.ts'
import { dealingsOf, type Payee } from './payee.ts'
import { Reverted, type Scene } from './scene.ts'

/**
 * Reads what a router published since the last look. A leaf that carries this node's receipt and names another node, or
 * another frontend than was asked for, convicts the router.
 *
 * @returns whether the router was convicted by this node.
 */
export async function audit(scene: Scene, node: Payee, house: House): Promise<boolean> {
  const dealings = dealingsOf(node, house)
  const last = (await house.journal.lastBatch())?.seq ?? 0n
  for (let seq = dealings.audited + 1n; seq <= last; seq += 1n) {
    const batch = await house.journal.batch(seq)
    if (batch?.state !== 'settled') return false
    const leaves = await house.published(batch)
    dealings.audited = seq
    const index = leaves.findIndex((leaf) => {
      const served = dealings.served.get(leaf.request)
      const mine = served && scene.hasher.struct('Receipt', served.receipt) === leaf.receipt
      return mine && (leaf.node !== node.id || leaf.frontend !== served.body.frontend)
    })
    if (index === -1) continue
    dealings.lied = true
    return prove(scene, node, house, { seq, leaves, index })
  }
  return false
}

async function prove(
  scene: Scene,
  node: Payee,
  house: House,
  { seq, leaves, index }: { seq: bigint; leaves: Leaf[]; index: number },
): Promise<boolean> {
  const leaf = leaves[index] as Leaf
  const served = dealingsOf(node, house).served.get(leaf.request)
  const proof = merkleTree(leaves.map((one) => leafHash(one))).proof(index)
  const entry = { seq, leaf, proof, receipt: served?.receipt }
  const args = [house.person.address, entry, served?.body]
  try {
    await scene.send(node.person, { ...scene.bond, functionName: 'proveContradiction', args })
    return true
  } catch (cause) {
    if (cause instanceof Reverted && cause.code === 'AlreadyConvicted') return false
    throw cause
  }
}
