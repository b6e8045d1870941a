import { expect } from 'chai'
import type { UnpostedLeaf } from '../../keepers/router/ledger/ledger.ts'
import { buildBatch } from '../../keepers/settle/batch.ts'
import { createParts } from '../../keepers/settle/parts.ts'
import { createProofs, unlessBusy } from '../../keepers/settle/proofs.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { readIndex, readPart } from '../../sdk/protocol/data.ts'
import { leafHash, merkleTree } from '../../sdk/protocol/merkle.ts'
import { address, hash, unposted } from './samples.ts'

const LEAVES = 3_201
const ROUTER = address(88)
const PREVIOUS = { seq: 4n, hash: hash(44) }

/** A journal of so many leaves that counts how many leaves were read; the first `fails` reads break. */
function journal({ fails = 0, crowns = true, change = (leaf: UnpostedLeaf) => leaf } = {}) {
  const seen = { leaves: 0, reads: 0 }
  const leaves = Array.from({ length: LEAVES }, (_, index) => unposted(index + 1))
  const kept = new Map<bigint, Uint8Array>()
  const ledger = {
    async leavesAfter(leaf: number, limit: number): Promise<UnpostedLeaf[]> {
      seen.reads += 1
      if (seen.reads <= fails) throw new Error('the disk is gone')
      const read = leaves.slice(leaf, leaf + limit).map(change)
      seen.leaves += read.length
      return read
    },
    crownOf: async (seq: bigint) => (crowns ? kept.get(seq) : undefined) ?? new Uint8Array(),
  }
  /** Leaves of these numbers, both included, as one batch. */
  const post = (firstLeaf: number, lastLeaf: number, seq = 5n, partLeaves?: number) => {
    const previous = { ...PREVIOUS, seq: seq - 1n }
    const batch = buildBatch(ROUTER, leaves.slice(firstLeaf - 1, lastLeaf), previous, partLeaves)
    kept.set(seq, batch.crown)
    return batch
  }
  const treeOf = (firstLeaf: number, lastLeaf: number) =>
    merkleTree(leaves.slice(firstLeaf - 1, lastLeaf).map(({ body }) => leafHash(body)))
  return { seen, leaves, ledger, post, treeOf }
}

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was thrown',
    (cause: unknown) => asHeuristError(cause).code,
  )

describe('the proofs of a batch', () => {
  it('are those of a tree of all its leaves, wherever the batch begins and ends, with a crown or without', async () => {
    for (const crowns of [true, false]) {
      const { ledger, post, treeOf } = journal({ crowns })
      const proofOf = createProofs(ledger)

      for (const [seq, firstLeaf, lastLeaf] of [
        [5n, 1, LEAVES],
        [6n, 700, 700],
        [7n, 101, 2_100],
      ] as const) {
        const batch = post(firstLeaf, lastLeaf, seq)
        const tree = treeOf(firstLeaf, lastLeaf)
        expect(batch.root).to.equal(tree.root)
        for (const leaf of [firstLeaf, (firstLeaf + lastLeaf) >> 1, lastLeaf]) {
          expect(await proofOf(batch, leaf)).to.deep.equal(tree.proof(leaf - firstLeaf))
        }
      }
    }
  })

  it('read the leaves of one branch, a thousand at most, and once, however many ask at once or later', async () => {
    const { seen, ledger, post } = journal()
    const batch = post(1, LEAVES)
    const proofOf = createProofs(ledger)

    await Promise.all(Array.from({ length: 20 }, () => proofOf(batch, 1_500)))
    const { leaves } = seen
    await proofOf(batch, 1_500)

    expect(leaves).to.be.within(1, 1_024)
    expect(seen.leaves).to.equal(leaves)
  })

  it('that nobody has asked for in a while are made again: sixty-four branches are kept', async () => {
    const { seen, ledger, post } = journal()
    const batches = Array.from({ length: 65 }, (_, index) => post(index + 1, index + 1, BigInt(index + 1)))
    const proofOf = createProofs(ledger)
    const ask = (number: number) => proofOf(batches[number - 1] as (typeof batches)[0], number)

    for (let number = 1; number <= 64; number += 1) await ask(number)
    await ask(1)
    await ask(65)
    await ask(1)
    expect(seen.reads, 'the first was asked for again').to.equal(65)
    await ask(2)
    expect(seen.reads, 'the second was not').to.equal(66)
  })

  it('that could not be made are not kept, and hold up nobody', async () => {
    const { ledger, post } = journal({ fails: 1 })
    const batch = post(1, 2)
    const proofOf = createProofs(ledger)

    expect(await refusal(proofOf(batch, 1))).to.equal('unexpected')
    expect(await proofOf(batch, 1)).to.have.length(1)
  })

  it('of which more branches are asked for than are made at once are refused for now; those that are kept are not', async () => {
    const { seen, ledger, post } = journal()
    const batches = Array.from({ length: 50 }, (_, index) => post(index + 1, index + 1, BigInt(index + 1)))
    const proofOf = createProofs(ledger)
    const [kept] = batches
    if (!kept) throw new Error('no batch')
    await proofOf(kept, 1)

    const waiting = batches.slice(1).map((batch, index) => refusal(proofOf(batch, index + 2)))
    const last = batches[49] as typeof kept
    const without = await unlessBusy(proofOf(last, 50))
    const meanwhile = await refusal(proofOf(kept, 1))
    const codes = await Promise.all(waiting)

    expect(without, 'a receipt goes without its proof').to.equal(undefined)
    expect(meanwhile).to.equal('nothing was thrown')
    expect(codes.filter((code) => code === 'proofs.busy')).to.have.length(49 - 32)
    expect(codes.filter((code) => code === 'nothing was thrown')).to.have.length(32)
    expect(seen.reads, 'nothing was made for those that were refused').to.equal(33)
    expect(await refusal(unlessBusy(proofOf(last, 50))), 'afterwards').to.equal('nothing was thrown')
    expect(await unlessBusy(proofOf(last, 50))).to.deep.equal([])
    expect(await refusal(unlessBusy(proofOf({ ...last, root: hash(1) }, 50)))).to.equal('batch.differs')
  })

  it('of which one address asks for more than a quarter of the places are refused to it alone', async () => {
    const { seen, ledger, post } = journal()
    const batches = Array.from({ length: 40 }, (_, index) => post(index + 1, index + 1, BigInt(index + 1)))
    const proofOf = createProofs(ledger)
    const ask = (number: number, asker?: string) =>
      refusal(proofOf(batches[number - 1] as (typeof batches)[0], number, asker))

    const flood = Array.from({ length: 12 }, (_, index) => ask(index + 1, 'flooder'))
    const others = [ask(13, 'other'), ask(1, 'other'), ask(14)]
    const [flooded, heard] = [await Promise.all(flood), await Promise.all(others)]

    expect(flooded.filter((code) => code === 'proofs.busy')).to.have.length(12 - 8)
    expect(heard).to.deep.equal(Array(3).fill('nothing was thrown'))
    expect(seen.reads, 'nothing was made for what was refused').to.equal(10)
    expect(await ask(12, 'flooder'), 'afterwards').to.equal('nothing was thrown')
  })

  it('of a journal that has other leaves than were posted are refused', async () => {
    const change = (leaf: UnpostedLeaf) =>
      leaf.leaf === 7 ? unposted(7, {}, { nodeGross: leaf.body.nodeGross + 1n }) : leaf
    const { ledger, post } = journal({ change })

    expect(await refusal(createProofs(ledger)(post(1, LEAVES), 8))).to.equal('batch.differs')
  })
})

describe('the parts of a batch', () => {
  it('are made of the leaves, the same bytes at every time, and hold all of them in order', async () => {
    const { ledger, leaves, post } = journal()
    const batch = post(101, 2_000, 5n, 300)
    const index = readIndex(batch.index, { router: ROUTER, seq: 5n, dataHash: toHex(keccak(batch.index)) })
    const [before, after] = [createParts(ledger, ROUTER), createParts(ledger, ROUTER)]

    const read = []
    for (const part of index.parts.keys()) {
      const bytes = await before(batch, part)
      expect(bytes).to.deep.equal(await after(batch, part))
      read.push(...readPart(bytes, index, part))
    }

    expect(index).to.deep.include({ leaves: 1_900, partLeaves: 300 })
    expect(index.parts).to.have.length(7)
    expect(read).to.deep.equal(leaves.slice(100, 2_000).map(({ body }) => body))
  })

  it('are made once while four are kept, and a part that the batch does not have is made of nothing', async () => {
    const { ledger, seen, post } = journal()
    const batch = post(1, 50, 5n, 10)
    const partOf = createParts(ledger, ROUTER)

    await Promise.all([partOf(batch, 0), partOf(batch, 0), partOf(batch, 3)])
    expect(seen.leaves).to.equal(20)
    expect(await refusal(partOf(batch, 5))).to.equal('part.unknown')
    expect(seen.leaves).to.equal(20)
    for (const part of [1, 2, 4]) await partOf(batch, part)
    await partOf(batch, 3)
    expect(seen.leaves, 'four are kept').to.equal(50)
    await partOf(batch, 0)
    expect(seen.leaves, 'the oldest is not').to.equal(60)
  })

  it('of which more are asked for than a router makes at once are refused for now, and nobody waits for ever', async () => {
    const { ledger, seen, post } = journal()
    const batch = post(1, 80, 5n, 1)
    const partOf = createParts(ledger, ROUTER)

    const codes = await Promise.all(Array.from({ length: 40 }, (_, part) => refusal(partOf(batch, part))))

    expect(codes.filter((code) => code === 'parts.busy')).to.have.length(8)
    expect(codes.filter((code) => code === 'nothing was thrown')).to.have.length(32)
    expect(seen.leaves).to.equal(32)
    expect(await refusal(partOf(batch, 79)), 'afterwards').to.equal('nothing was thrown')
  })

  it('of which one address asks for more than a quarter of the places are refused to it alone, not to an auditor', async () => {
    const { ledger, seen, post } = journal()
    const batch = post(1, 80, 5n, 1)
    const partOf = createParts(ledger, ROUTER)
    const ask = (part: number, asker?: string) => refusal(partOf(batch, part, asker))

    const flood = Array.from({ length: 40 }, (_, part) => ask(part, 'flooder'))
    const others = [ask(41, 'auditor'), ask(7, 'auditor'), ask(42)]
    const [flooded, heard] = [await Promise.all(flood), await Promise.all(others)]

    expect(flooded.filter((code) => code === 'parts.busy')).to.have.length(40 - 8)
    expect(heard).to.deep.equal(Array(3).fill('nothing was thrown'))
    expect(seen.leaves, 'nothing was made for what was refused').to.equal(10)
    expect(await ask(79, 'flooder'), 'afterwards').to.equal('nothing was thrown')
  })

  it('of a journal that has other leaves than were posted are refused, not served', async () => {
    const change = (leaf: UnpostedLeaf) => (leaf.leaf === 7 ? unposted(8) : leaf)
    const { ledger, post } = journal({ change })
    const batch = post(1, 20, 5n, 10)
    const partOf = createParts(ledger, ROUTER)

    expect(await refusal(partOf(batch, 0))).to.equal('batch.differs')
    expect(await refusal(partOf(batch, 1))).to.equal('nothing was thrown')
  })
})
