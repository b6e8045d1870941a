import { expect } from 'chai'
import fc from 'fast-check'
import { type Address, type Hex, keccak256, stringToHex } from 'viem'
import { HeuristError } from '../../../sdk/errors.ts'
import { fastKeccak } from '../../../sdk/native.ts'
import { keccak, toHex } from '../../../sdk/protocol/bytes.ts'
import {
  type Index,
  indexBytes,
  indexPath,
  leafRow,
  leavesInPart,
  MOST_LEAVES,
  MOST_PARTS,
  PART_LEAVES,
  partBytes,
  partPath,
  readIndex,
  readPart,
} from '../../../sdk/protocol/data.ts'
import type { Leaf } from '../../../sdk/protocol/merkle.ts'
import { seeded } from '../seed.ts'

const ROUTER: Address = `0x${'a1'.repeat(20)}`
const OTHER: Address = `0x${'b2'.repeat(20)}`
const word = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`
const utf8 = new TextEncoder()

const leaf = (number: number, changes: Partial<Leaf> = {}): Leaf => ({
  payer: `0x${'0c'.repeat(20)}`,
  charged: BigInt(number) * 100n,
  count: BigInt(number),
  request: word(number),
  receipt: word(1_000 + number),
  node: 7,
  nodeGross: BigInt(number) * 100n,
  pod: 2,
  podGross: BigInt(number) * 100n,
  frontend: 0,
  frontendGross: BigInt(number) * 100n,
  ...changes,
})

/** Publishes leaves in parts of `partLeaves`. */
function published(count: number, partLeaves: number, seq = 5n, router = ROUTER) {
  const leaves = Array.from({ length: count }, (_, index) => leaf(index + 1))
  const parts = Array.from({ length: Math.ceil(count / partLeaves) }, (_, part) =>
    partBytes({ router, seq }, part, leaves.slice(part * partLeaves, (part + 1) * partLeaves).map(leafRow)),
  )
  const bytes = indexBytes({
    router,
    seq,
    leaves: count,
    partLeaves,
    parts: parts.map((part) => toHex(keccak(part))),
  })
  return { leaves, parts, bytes, name: { router, seq, dataHash: toHex(keccak(bytes)) } }
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (cause) {
    if (cause instanceof HeuristError) return cause.code
    throw cause
  }
  return 'nothing was thrown'
}

describe('batch data in parts', () => {
  it('has the form of the protocol, to the byte', () => {
    const part = partBytes({ router: ROUTER, seq: 5n }, 1, [leafRow(leaf(3))])
    const text =
      `{"version":2,"router":"${ROUTER}","seq":"5","part":1,"leaves":[["0x${'0c'.repeat(20)}","300","3",` +
      `"${word(3)}","${word(1_003)}",7,"300",2,"300",0,"300"]]}`
    const hash = keccak256(stringToHex(text))
    const index = indexBytes({ router: ROUTER, seq: 5n, leaves: 3, partLeaves: 2, parts: [word(9), hash] })

    expect(new TextDecoder().decode(part)).to.equal(text)
    expect(new TextDecoder().decode(index)).to.equal(
      `{"version":2,"router":"${ROUTER}","seq":"5","leaves":3,"partLeaves":2,"parts":["${word(9)}","${hash}"]}`,
    )
    expect([indexPath(5n), partPath(5n, 1)]).to.deep.equal(['/v1/batches/5', '/v1/batches/5/parts/1'])
  })

  it('gives every leaf back, in order, whatever the size of the parts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 45 }), (count, partLeaves) => {
        const { leaves, parts, bytes, name } = published(count, partLeaves)

        const index = readIndex(bytes, name, fastKeccak)
        const read = parts.map((part, number) => readPart(part, index, number))

        expect(read.flat()).to.deep.equal(leaves)
        expect(read.map((one) => one.length)).to.deep.equal(parts.map((_, part) => leavesInPart(index, part)))
      }),
      seeded({ numRuns: 100 }),
    )
  })

  it('parts that are swapped, changed, cut off or of another batch are refused by their hash', () => {
    const { parts, bytes, name } = published(5, 2)
    const index = readIndex(bytes, name)
    const [first, second, third] = parts as [Uint8Array, Uint8Array, Uint8Array]
    const other = published(5, 2, 6n).parts[0] as Uint8Array

    for (const [part, wrong] of [
      [0, second],
      [1, first],
      [2, second],
      [0, first.subarray(1)],
      [0, other],
      [3, third],
    ] as const) {
      expect(codeOf(() => readPart(wrong, index, part))).to.equal('data.hash_wrong')
    }
  })

  it('a router that names a wrong part in its index is caught by what the part says of itself', () => {
    const { leaves, name } = published(4, 2)
    const read = (part: Uint8Array, place = 0) => {
      const parts = [word(1), word(2)]
      parts[place] = toHex(keccak(part))
      const bytes = indexBytes({ ...name, leaves: 4, partLeaves: 2, parts })
      return codeOf(() =>
        readPart(part, readIndex(bytes, { ...name, dataHash: toHex(keccak(bytes)) }), place),
      )
    }
    const rows = leaves.map(leafRow)
    const two = rows.slice(0, 2)

    expect(read(partBytes(name, 0, two))).to.equal('nothing was thrown')
    expect(read(partBytes(name, 1, two)), 'of another place').to.equal('data.unreadable')
    expect(read(partBytes({ ...name, seq: 6n }, 0, two)), 'of another batch').to.equal('data.unreadable')
    expect(read(partBytes({ ...name, router: OTHER }, 0, two)), 'of a stranger').to.equal('data.unreadable')
    expect(read(partBytes(name, 0, rows.slice(0, 1))), 'too short').to.equal('data.unreadable')
    expect(read(partBytes(name, 0, rows.slice(0, 3))), 'too long').to.equal('data.unreadable')
    expect(read(partBytes(name, 0, ['["0x"]', ...rows.slice(0, 1)])), 'no leaf').to.equal('data.unreadable')
    expect(read(utf8.encode('{'))).to.equal('data.unreadable')
  })

  it('an index that is not the posted one, of another batch, or out of bounds is refused', () => {
    const { bytes, name } = published(5, 2)
    const read = (change: Partial<Index>) => {
      const index = { ...name, leaves: 5, partLeaves: 2, parts: [word(1), word(2), word(3)], ...change }
      const made = indexBytes(index)
      return codeOf(() => readIndex(made, { ...name, dataHash: toHex(keccak(made)) }))
    }
    const many = Array.from({ length: MOST_PARTS + 1 }, (_, part) => word(part))

    expect(codeOf(() => readIndex(bytes, { ...name, dataHash: word(1) }))).to.equal('data.hash_wrong')
    expect(read({})).to.equal('nothing was thrown')
    expect(read({ seq: 6n })).to.equal('data.unreadable')
    expect(read({ router: OTHER })).to.equal('data.unreadable')
    expect(read({ leaves: 4 }), 'a part too many').to.equal('data.unreadable')
    expect(read({ leaves: 7 }), 'a part too few').to.equal('data.unreadable')
    expect(read({ leaves: 0, parts: [] })).to.equal('data.unreadable')
    expect(read({ leaves: PART_LEAVES + 1, partLeaves: PART_LEAVES + 1, parts: [word(1)] })).to.equal(
      'data.unreadable',
    )
    expect(read({ leaves: MOST_PARTS + 1, partLeaves: 1, parts: many }), 'too many').to.equal(
      'data.unreadable',
    )
    expect(read({ leaves: MOST_PARTS, partLeaves: 1, parts: many.slice(1) })).to.equal('nothing was thrown')
    const full = { leaves: MOST_LEAVES, partLeaves: PART_LEAVES, parts: many.slice(0, 100) }
    expect(read(full)).to.equal('nothing was thrown')
    expect(read({ ...full, leaves: MOST_LEAVES + 1, parts: many.slice(0, 101) })).to.equal('data.unreadable')
  })

  it('noise behind a hash that is right is refused by name, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json().map((text) => utf8.encode(text)),
          fc.uint8Array(),
        ),
        (noise) => {
          const hash = toHex(keccak(noise))
          const index: Index = { router: ROUTER, seq: 5n, leaves: 1, partLeaves: 1, parts: [hash] }

          expect(codeOf(() => readIndex(noise, { ...index, dataHash: hash }))).to.equal('data.unreadable')
          expect(codeOf(() => readPart(noise, index, 0))).to.equal('data.unreadable')
        },
      ),
      seeded({ numRuns: 300 }),
    )
  })

  it('a full part is a document that readers take, however much its payees earned', () => {
    const much = 10n ** 17n
    const wide = leaf(1, {
      charged: much,
      count: 10n ** 9n,
      node: 4_000_000_000,
      nodeGross: much,
      pod: 4_000_000_000,
      podGross: much,
      frontend: 4_000_000_000,
      frontendGross: much,
    })

    const bytes = partBytes(
      { router: ROUTER, seq: 2n ** 63n },
      MOST_PARTS,
      Array(PART_LEAVES).fill(leafRow(wide)),
    )

    expect(bytes.length).to.be.at.most(8 * 1024 * 1024)
  })
})
