import { expect } from 'chai'
import type { UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { createTrees } from '../../keepers/settle/trees.ts'
import { leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'
import { hash, unposted } from './samples.ts'

const LEAVES = 1_201

/** A journal of so many leaves that counts how often it is read, and how many read it at once. */
function journal(fails = 0) {
  const seen = { reads: 0 }
  const leaves = Array.from({ length: LEAVES }, (_, index) => unposted(index + 1))
  const leavesAfter = async (leaf: number, limit: number): Promise<UnpostedLeaf[]> => {
    seen.reads += 1
    if (seen.reads <= fails) throw new Error('the disk is gone')
    return leaves.slice(leaf, leaf + limit)
  }
  return { seen, leaves, leavesAfter }
}

describe('the trees of batches', () => {
  it('prove a leaf as a tree of all its leaves does, wherever the batch begins and ends', async () => {
    const { leaves, leavesAfter } = journal()
    const treeOf = createTrees({ leavesAfter })

    for (const [firstLeaf, lastLeaf] of [
      [1, LEAVES],
      [700, 700],
      [101, 1_100],
    ] as const) {
      const own = merkleTree(leaves.slice(firstLeaf - 1, lastLeaf).map(({ body }) => leafHash(body)))
      const tree = await treeOf({ root: hash(firstLeaf), firstLeaf, lastLeaf })
      const last = lastLeaf - firstLeaf

      expect([tree.root, tree.proof(last)]).to.deep.equal([own.root, own.proof(last)])
    }
  })

  it('are made once, however many ask at once or later', async () => {
    const { seen, leavesAfter } = journal()
    const treeOf = createTrees({ leavesAfter })
    const batch = { root: hash(1), firstLeaf: 1, lastLeaf: LEAVES }

    await Promise.all(Array.from({ length: 20 }, () => treeOf(batch)))
    const { reads } = seen
    await treeOf(batch)

    expect(reads).to.equal(3)
    expect(seen.reads).to.equal(reads)
  })

  it('that nobody has asked for in a while are made again: eight are kept', async () => {
    const { seen, leavesAfter } = journal()
    const treeOf = createTrees({ leavesAfter })
    const ask = (number: number) => treeOf({ root: hash(number), firstLeaf: number, lastLeaf: number })

    for (let number = 1; number <= 8; number += 1) await ask(number)
    await ask(1)
    await ask(9)
    await ask(1)
    expect(seen.reads, 'the first was asked for again').to.equal(9)
    await ask(2)
    expect(seen.reads, 'the second was not').to.equal(10)
  })

  it('that could not be made are not kept, and hold up nobody', async () => {
    const { leavesAfter } = journal(1)
    const treeOf = createTrees({ leavesAfter })
    const batch = { root: hash(1), firstLeaf: 1, lastLeaf: 2 }

    const failed = await treeOf(batch).then(
      () => undefined,
      (cause: Error) => cause.message,
    )

    expect(failed).to.equal('the disk is gone')
    expect((await treeOf(batch)).proof(0)).to.have.length(1)
  })
})
