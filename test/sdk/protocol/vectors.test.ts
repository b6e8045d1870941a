import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Hex, keccak256 } from 'viem'
import { fastKeccak, recoverSigner, toCompact } from '../../../sdk/native.ts'
import { type Batch, packBatch, unpackBatch } from '../../../sdk/protocol/batch.ts'
import { fromHex, type Keccak, keccak, toHex } from '../../../sdk/protocol/bytes.ts'
import { type Leaf, leafHash, merkleTree, verifyMerkle } from '../../../sdk/protocol/merkle.ts'
import {
  createHasher,
  type MessageName,
  type Messages,
  TYPES,
  typeString,
} from '../../../sdk/protocol/messages.ts'
import { toJson, vectors } from '../../vectors/make.ts'

interface Vector {
  message: Record<string, string>
  struct: Hex
  digest: Hex
  signer: string
  signature: Hex
  compact: Hex
}

interface Vectors {
  domain: { chainId: number; verifyingContract: Hex; separator: Hex }
  types: Record<string, { type: string; hash: Hex }>
  messages: Record<MessageName, Vector[]>
  leaves: { leaf: Record<string, string>; hash: Hex; proof: Hex[] }[]
  root: Hex
  batch: Record<string, string> & {
    payers: Record<string, string | number>[]
    nodes: { id: number; amount: string }[]
    pods: { id: number; amount: string }[]
    frontends: { id: number; amount: string }[]
  }
}

const file = JSON.parse(
  readFileSync(new URL('../../vectors/messages.json', import.meta.url), 'utf8'),
) as Vectors
const names = Object.keys(TYPES) as MessageName[]
const { chainId, verifyingContract } = file.domain

/** The message as our types want it: whole numbers up to 2^40 as numbers, larger ones as bigints. */
function typed<N extends MessageName>(name: N, message: Record<string, string>): Messages[N] {
  const fields = TYPES[name].map(({ name: field, type }) => {
    const text = message[field] ?? ''
    const bits = type.startsWith('uint') ? Number(type.slice(4)) : undefined
    return [field, bits === undefined ? text : bits > 40 ? BigInt(text) : Number(text)] as const
  })
  return Object.fromEntries(fields) as unknown as Messages[N]
}

const leafOf = (leaf: Record<string, string>): Leaf =>
  Object.fromEntries(
    Object.entries(leaf).map(([name, text]) => [
      name,
      text.startsWith('0x') ? text : ['node', 'pod', 'frontend'].includes(name) ? Number(text) : BigInt(text),
    ]),
  ) as unknown as Leaf

describe('the shared vectors', () => {
  it('are what viem makes today', async () => {
    expect(JSON.parse(toJson(await vectors()))).to.deep.equal(file)
  })

  for (const [library, hash] of [
    ['noble', keccak],
    ['WebAssembly', fastKeccak],
  ] as [string, Keccak][]) {
    it(`hold for every message, hashed with ${library}`, () => {
      const hasher = createHasher({ chainId, verifyingContract }, hash)

      expect(hasher.domainSeparator).to.equal(file.domain.separator)
      for (const name of names) {
        expect(file.messages[name].length).to.equal(3)
        for (const { message, struct, digest } of file.messages[name]) {
          expect(hasher.struct(name, typed(name, message))).to.equal(struct)
          expect(hasher.digest(name, typed(name, message))).to.equal(digest)
          expect(hasher.digestOf(struct)).to.equal(digest)
        }
      }
    })
  }

  it('hold for the type strings', () => {
    for (const name of names) {
      expect(typeString(name)).to.equal(file.types[name]?.type)
      expect(keccak256(`0x${Buffer.from(typeString(name)).toString('hex')}`)).to.equal(file.types[name]?.hash)
    }
  })

  it('hold for both forms of every signature', () => {
    for (const { digest, signer, signature, compact } of names.flatMap((name) => file.messages[name])) {
      expect(recoverSigner(digest, signature)).to.equal(signer.toLowerCase())
      expect(recoverSigner(digest, compact)).to.equal(signer.toLowerCase())
      const { r, vs } = toCompact(signature) ?? { r: '0x', vs: '0x' }
      expect(r + vs.slice(2)).to.equal(compact)
    }
  })

  it('hold for the leaves and their tree', () => {
    const hashes = file.leaves.map(({ leaf }) => leafHash(leafOf(leaf)))
    const tree = merkleTree(hashes)

    expect(hashes).to.deep.equal(file.leaves.map(({ hash }) => hash))
    expect(tree.root).to.equal(file.root)
    file.leaves.forEach(({ hash, proof }, index) => {
      expect(tree.proof(index)).to.deep.equal(proof)
      expect(verifyMerkle(file.root, hash, proof)).to.equal(true)
    })
  })

  it('hold for a packed batch, there and back', () => {
    const { batch } = file
    const payees = (lines: { id: number; amount: string }[]) =>
      lines.map(({ id, amount }) => ({ id, amount: BigInt(amount) }))
    const expected: Batch = {
      seq: BigInt(batch.seq ?? ''),
      prev: batch.prev as Hex,
      root: batch.root as Hex,
      dataHash: batch.dataHash as Hex,
      payers: batch.payers.map((line) => ({
        r: line.r as Hex,
        vs: line.vs as Hex,
        request: line.request as Hex,
        ceiling: BigInt(line.ceiling ?? ''),
        expiry: Number(line.expiry),
        charge: BigInt(line.charge ?? ''),
      })),
      nodes: payees(batch.nodes),
      pods: payees(batch.pods),
      frontends: payees(batch.frontends),
    }

    expect(toHex(packBatch(expected))).to.equal(batch.packed)
    expect(unpackBatch(fromHex(batch.packed ?? ''))).to.deep.equal(expected)
    expect(toHex(keccak(packBatch(expected)))).to.equal(batch.hash)
  })
})
