import { expect } from 'chai'
import fc from 'fast-check'
import { fastKeccak } from '../../../sdk/native.ts'
import { toHex } from '../../../sdk/protocol/bytes.ts'
import { branchOf, crownNodes, crownOf, growBranch, proofOf } from '../../../sdk/protocol/crown.ts'
import { grown, merkleTree, nodeAt, treeOf, verifyMerkle, WORD } from '../../../sdk/protocol/merkle.ts'
import { seeded } from '../seed.ts'

/** Digests of `count` leaves whose content does not matter. */
function digests(count: number): Uint8Array {
  const bytes = new Uint8Array(WORD * count)
  for (let index = 0; index < count; index += 1) {
    bytes.set(fastKeccak(new Uint8Array([index, index >> 8, index >> 16])), WORD * index)
  }
  return bytes
}

const run = (all: Uint8Array, [first, last]: readonly [number, number]) =>
  all.subarray(WORD * first, WORD * (last + 1))

/** The proof of one leaf, from the crown and from the leaves of its branch alone. */
function proofBy(all: Uint8Array, crown: Uint8Array, index: number) {
  const leaves = all.length / WORD
  const branch = branchOf(leaves, index)
  const nodes = growBranch(
    leaves,
    branch,
    branch.runs.map((one) => run(all, one)),
    fastKeccak,
  )
  const read = branch.runs.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  return { proof: proofOf(leaves, index, { crown, branch: nodes, node: branch.node }), nodes, branch, read }
}

describe('the crown of a tree', () => {
  it('and the leaves of one branch prove what the whole tree proves, of any size and for any leaf', () => {
    const sizes = fc.oneof(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1_000, max: 5_000 }),
      fc.constantFrom(1_024, 1_025, 2_047, 2_048, 2_049, 4_096),
    )
    fc.assert(
      fc.property(sizes, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (count, part) => {
        const index = Math.floor(count * part)
        const all = digests(count)
        const nodes = grown([all], fastKeccak)

        const { proof, nodes: grownBranch, branch, read } = proofBy(all, crownOf(nodes), index)

        expect(proof).to.deep.equal(treeOf(nodes).proof(index))
        expect(nodeAt(grownBranch, 0)).to.equal(nodeAt(nodes, branch.node))
        expect(branch.runs.some(([first, last]) => first <= index && index <= last)).to.equal(true)
        expect(read).to.be.at.most(1_024)
      }),
      seeded({ numRuns: 150 }),
    )
  })

  it('of a million leaves takes 64 KiB, and its branches have at most 1,024 leaves', () => {
    const leaves = 1_000_000
    const bytes = WORD * crownNodes(leaves)

    expect(bytes).to.be.at.most(64 * 1024)
    for (const index of [0, 1, 48_575, 48_576, 48_577, 524_288, leaves - 1]) {
      const { runs } = branchOf(leaves, index)
      expect(runs.reduce((sum, [first, last]) => sum + last - first + 1, 0)).to.be.at.most(1_024)
      expect(runs.some(([first, last]) => first <= index && index <= last)).to.equal(true)
    }
    expect(() => branchOf(leaves, leaves)).to.throw(RangeError)
    expect(() => branchOf(leaves, -1)).to.throw(RangeError)
  })

  it('with another leaf in the branch proves nothing', () => {
    const all = digests(3_000)
    const nodes = grown([all], fastKeccak)
    const forged = all.slice()
    forged[WORD * 1_500] = (forged[WORD * 1_500] ?? 0) ^ 1

    const { proof } = proofBy(forged, crownOf(nodes), 1_501)

    const leaf = toHex(all.subarray(WORD * 1_501, WORD * 1_502))
    expect(verifyMerkle(nodeAt(nodes, 0), leaf, proof)).to.equal(false)
    expect(verifyMerkle(nodeAt(nodes, 0), leaf, proofBy(all, crownOf(nodes), 1_501).proof)).to.equal(true)
  })

  it('a tree that is grown from runs of digests is that of all of them', () => {
    const all = digests(1_000)
    const hexes = Array.from({ length: 1_000 }, (_, index) => toHex(run(all, [index, index])))
    const runs = [run(all, [0, 299]), run(all, [300, 300]), run(all, [301, 999])]

    expect(nodeAt(grown(runs, fastKeccak), 0)).to.equal(merkleTree(hexes).root)
    expect(() => grown([])).to.throw(RangeError)
  })
})
