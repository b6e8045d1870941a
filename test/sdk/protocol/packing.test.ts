import { expect } from 'chai'
import fc from 'fast-check'
import { concatHex, type Hex, keccak256 } from 'viem'
import { fastKeccak } from '../../../sdk/native.ts'
import {
  type Batch,
  HEADER_BYTES,
  PAYEE_LINE_BYTES,
  PAYER_LINE_BYTES,
  packBatch,
  unpackBatch,
} from '../../../sdk/protocol/batch.ts'
import { toHex } from '../../../sdk/protocol/bytes.ts'
import {
  decodeFrames,
  decodeJob,
  encodeFrames,
  encodeJob,
  FRAME,
  type Frame,
  MAX_FRAME_BYTES,
} from '../../../sdk/protocol/frames.ts'
import { merkleTree, verifyMerkle } from '../../../sdk/protocol/merkle.ts'
import { seeded } from '../seed.ts'

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => toHex(value) as Hex)
const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })

const payee = fc.record({ id: uint(32).map(Number), amount: uint(48) })
const batches: fc.Arbitrary<Batch> = fc.record({
  seq: uint(64),
  prev: hexOf(32),
  root: hexOf(32),
  dataHash: hexOf(32),
  payers: fc.array(
    fc.record({
      r: hexOf(32),
      vs: hexOf(32),
      request: hexOf(32),
      ceiling: uint(64),
      expiry: uint(40).map(Number),
      charge: uint(48),
    }),
    { maxLength: 20 },
  ),
  nodes: fc.array(payee, { maxLength: 20 }),
  pods: fc.array(payee, { maxLength: 5 }),
  frontends: fc.array(payee, { maxLength: 5 }),
})

describe('a batch', () => {
  it('is packed and unpacked without loss, in exactly the bytes of its lines', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const bytes = packBatch(batch)
        const payees = batch.nodes.length + batch.pods.length + batch.frontends.length
        expect(bytes.length).to.equal(
          HEADER_BYTES + PAYER_LINE_BYTES * batch.payers.length + PAYEE_LINE_BYTES * payees,
        )
        expect(unpackBatch(bytes)).to.deep.equal(batch)
      }),
      seeded({}),
    )
  })

  it('of any other length is refused', () => {
    fc.assert(
      fc.property(batches, fc.boolean(), (batch, longer) => {
        const bytes = packBatch(batch)
        const wrong = longer ? new Uint8Array([...bytes, 0]) : bytes.subarray(0, bytes.length - 1)
        expect(() => unpackBatch(wrong)).to.throw(RangeError)
      }),
      seeded({}),
    )
    expect(() => unpackBatch(new Uint8Array())).to.throw(RangeError)
  })

  const line = {
    r: `0x${'11'.repeat(32)}`,
    vs: `0x${'22'.repeat(32)}`,
    request: `0x${'33'.repeat(32)}`,
  } as const
  const good = { ...line, ceiling: 5n, expiry: 5, charge: 5n }
  const empty = {
    seq: 1n,
    prev: line.r,
    root: line.r,
    dataHash: line.r,
    payers: [],
    nodes: [],
    pods: [],
    frontends: [],
  }
  for (const [what, batch] of Object.entries<Batch>({
    'a ceiling of 2^64': { ...empty, payers: [{ ...good, ceiling: 1n << 64n }] },
    'a charge of 2^48': { ...empty, payers: [{ ...good, charge: 1n << 48n }] },
    'an expiry of 2^40': { ...empty, payers: [{ ...good, expiry: 2 ** 40 }] },
    'a payee amount of 2^48': { ...empty, nodes: [{ id: 1, amount: 1n << 48n }] },
    'a payee id of 2^32': { ...empty, pods: [{ id: 2 ** 32, amount: 1n }] },
    'more than 65,535 lines': { ...empty, payers: Array.from({ length: 65_536 }, () => good) },
  })) {
    it(`with ${what} does not fit and is refused`, () => {
      expect(() => packBatch(batch)).to.throw(RangeError)
    })
  }
})

/** An independent tree: folds from the root down instead of filling an array from its end. */
function naiveRoot(leaves: Hex[]): Hex {
  const nodes = new Map<number, Hex>()
  const size = 2 * leaves.length - 1
  const node = (index: number): Hex => {
    const known = nodes.get(index)
    if (known) return known
    const isLeaf = 2 * index + 1 >= size
    const value = isLeaf
      ? (leaves[size - 1 - index] as Hex)
      : sortedPair(node(2 * index + 1), node(2 * index + 2))
    nodes.set(index, value)
    return value
  }
  return node(0)
}

const sortedPair = (a: Hex, b: Hex): Hex => keccak256(concatHex(BigInt(a) < BigInt(b) ? [a, b] : [b, a]))

describe('a Merkle tree', () => {
  const leaves = fc.array(hexOf(32), { minLength: 1, maxLength: 70 })

  it('has the root of an independent implementation, with either keccak', () => {
    fc.assert(
      fc.property(leaves, (list) => {
        const { root } = merkleTree(list)
        expect(root).to.equal(naiveRoot(list))
        expect(merkleTree(list, fastKeccak).root).to.equal(root)
      }),
      seeded({}),
    )
  })

  it('proves every leaf to whoever hashes sorted pairs, as OpenZeppelin does', () => {
    fc.assert(
      fc.property(leaves, (list) => {
        const tree = merkleTree(list)
        list.forEach((leaf, index) => {
          const proof = tree.proof(index)
          expect(proof.reduce(sortedPair, leaf)).to.equal(tree.root)
          expect(verifyMerkle(tree.root, leaf, proof)).to.equal(true)
        })
      }),
      seeded({ numRuns: 30 }),
    )
  })

  it('proves nothing else: not another leaf, not a shorter or a bent path', () => {
    fc.assert(
      fc.property(fc.uniqueArray(hexOf(32), { minLength: 2, maxLength: 40 }), fc.nat(), (list, pick) => {
        const tree = merkleTree(list)
        const index = pick % list.length
        const proof = tree.proof(index)
        const [leaf, other] = [list[index], list[(index + 1) % list.length]] as [Hex, Hex]
        const siblings = proof.includes(other)
        if (!siblings) expect(verifyMerkle(tree.root, other, proof)).to.equal(false)
        expect(verifyMerkle(tree.root, leaf, proof.slice(1))).to.equal(false)
        expect(verifyMerkle(tree.root, leaf, [...proof, leaf])).to.equal(false)
      }),
      seeded({}),
    )
  })

  it('of one leaf is that leaf, of none is refused, and has no proof beyond its leaves', () => {
    const leaf: Hex = `0x${'ab'.repeat(32)}`

    expect(merkleTree([leaf]).root).to.equal(leaf)
    expect(merkleTree([leaf]).proof(0)).to.deep.equal([])
    expect(() => merkleTree([])).to.throw(RangeError)
    expect(() => merkleTree([leaf]).proof(1)).to.throw(RangeError)
    expect(() => merkleTree([leaf]).proof(-1)).to.throw(RangeError)
  })
})

const frames: fc.Arbitrary<Frame[]> = fc.array(
  fc.record({
    job: uint(32).map(Number),
    type: fc.constantFrom(...Object.values(FRAME)),
    payload: fc.uint8Array({ maxLength: 200 }),
  }),
  { maxLength: 12 },
)

describe('frames', () => {
  it('go there and back, several in one message', () => {
    fc.assert(
      fc.property(frames, (list) => {
        expect(decodeFrames(encodeFrames(list))).to.deep.equal(list)
      }),
      seeded({}),
    )
  })

  it('cut off anywhere are refused, not read half', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (list, pick) => {
        const bytes = encodeFrames(list)
        const ends = new Set<number>([0])
        list.reduce((at, { payload }) => {
          ends.add(at + 9 + payload.length)
          return at + 9 + payload.length
        }, 0)
        const cut = pick % (bytes.length + 1)
        if (ends.has(cut))
          expect(decodeFrames(bytes.subarray(0, cut)).length).to.equal([...ends].indexOf(cut))
        else expect(() => decodeFrames(bytes.subarray(0, cut))).to.throw(RangeError)
      }),
      seeded({}),
    )
  })

  it('made of noise are refused or whole, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        let decoded: Frame[]
        try {
          decoded = decodeFrames(noise)
        } catch (error) {
          expect(error).to.be.instanceOf(RangeError)
          return
        }
        expect(encodeFrames(decoded)).to.deep.equal(noise)
      }),
      seeded({ numRuns: 2000 }),
    )
  })

  it('beyond the largest are refused before they are read', () => {
    const header = new Uint8Array(9)
    new DataView(header.buffer).setUint32(0, MAX_FRAME_BYTES + 1)
    header[8] = FRAME.chunk

    expect(() => decodeFrames(header)).to.throw(RangeError, `a frame of ${MAX_FRAME_BYTES + 1}`)
  })

  it('of an unknown type are refused', () => {
    const frame = encodeFrames([{ job: 1, type: FRAME.chunk, payload: new Uint8Array() }])
    frame[8] = 99

    expect(() => decodeFrames(frame)).to.throw(RangeError, 'unknown frame type 99')
  })

  it('a job order carries its header and its input bytes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 100 }), (header, input) => {
        const decoded = decodeJob(encodeJob(header, input))
        expect(JSON.stringify(decoded.header)).to.equal(JSON.stringify(header))
        expect(decoded.input).to.deep.equal(input)
      }),
      seeded({}),
    )
  })

  it('a job order whose header is cut off or no JSON is refused', () => {
    const order = encodeJob({ a: 1 }, new Uint8Array([1, 2]))

    expect(() => decodeJob(order.subarray(0, 8))).to.throw(RangeError)
    expect(() => decodeJob(new Uint8Array([0, 0, 0, 1, 123]))).to.throw(SyntaxError)
  })
})
