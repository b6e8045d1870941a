import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import {
  type AbiParameter,
  concatHex,
  domainSeparator,
  encodeAbiParameters,
  encodePacked,
  type Hex,
  hashStruct,
  hashTypedData,
  keccak256,
  numberToHex,
  parseSignature,
} from 'viem'
import { mnemonicToAccount, sign } from 'viem/accounts'

/**
 * The shared vectors that hold TypeScript and Solidity equal. Everything here is computed by viem from the
 * type strings of docs/protocol.md; nothing of ours is imported, so that the file can judge both sides.
 *
 * Regenerate: `node --import tsx test/vectors/make.ts`
 */
const TYPE_STRINGS = {
  Request:
    'address payer, bytes32 id, uint32 pod, bytes32 manifest, uint32 frontend, uint32 node, uint128 maxPrice, uint40 deadline, bytes32 input',
  Voucher: 'address router, uint128 ceiling, uint40 expiry, bytes32 request',
  Receipt:
    'bytes32 request, uint32 node, uint64 unitsIn, uint64 unitsOut, uint64 length, uint8 end, uint128 price, bytes32 output, bytes32 evidence, uint40 completedAt',
  Ack: 'address payer, uint128 charged, uint64 count, bytes32 receipt',
  Statement: 'uint8 role, uint32 id, uint128 gross, uint40 asOf',
  Open: 'address router, address owner',
} as const

const LEAF =
  'address payer, uint128 charged, uint64 count, bytes32 request, bytes32 receipt, uint32 node, uint128 nodeGross, uint32 pod, uint128 podGross, uint32 frontend, uint128 frontendGross'

const MNEMONIC = 'test test test test test test test test test test test junk'
const LEDGER = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const domain = { name: 'Heurist', version: '1', chainId: 31_337, verifyingContract: LEDGER } as const
const EIP712_DOMAIN = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
]

type Value = string | bigint | number
type Field = { name: string; type: string }

const fieldsOf = (types: string): Field[] =>
  types.split(', ').map((field) => {
    const [type = '', name = ''] = field.split(' ')
    return { name, type }
  })

const account = (index: number) => mnemonicToAccount(MNEMONIC, { addressIndex: index })
const privateKey = (index: number): Hex => {
  const bytes = account(index).getHdKey().privateKey
  if (!bytes) throw new Error('no private key')
  return `0x${Buffer.from(bytes).toString('hex')}`
}

/** Three values per field: all zero, all ones, and one that tells every field apart. */
function samples(types: string): Record<string, Value>[] {
  const fields = fieldsOf(types)
  const bits = (type: string) =>
    type === 'address' ? 160 : type === 'bytes32' ? 256 : Number(type.slice('uint'.length))
  const form = (type: string, value: bigint): Value =>
    type.startsWith('uint') ? value : numberToHex(value, { size: bits(type) / 8 })
  const of = (value: (field: Field) => bigint) =>
    Object.fromEntries(fields.map((field) => [field.name, form(field.type, value(field))]))
  return [
    of(() => 0n),
    of(({ type }) => (1n << BigInt(bits(type))) - 1n),
    of(
      ({ type, name }) =>
        BigInt(keccak256(`0x${Buffer.from(name).toString('hex')}`)) >> BigInt(256 - bits(type)),
    ),
  ]
}

const plain = (message: Record<string, Value>) =>
  Object.fromEntries(Object.entries(message).map(([name, value]) => [name, value.toString()]))

async function messageVectors(name: keyof typeof TYPE_STRINGS) {
  const types = { [name]: fieldsOf(TYPE_STRINGS[name]) }
  return Promise.all(
    samples(TYPE_STRINGS[name]).map(async (message) => {
      const digest = hashTypedData({ domain, types, primaryType: name, message })
      const signature = await sign({ hash: digest, privateKey: privateKey(1), to: 'hex' })
      return {
        message: plain(message),
        abi: encodeAbiParameters(fieldsOf(TYPE_STRINGS[name]) as AbiParameter[], Object.values(message)),
        struct: hashStruct({ data: message, primaryType: name, types }),
        digest,
        signer: account(1).address,
        signature,
        compact: compactOf(signature).compact,
      }
    }),
  )
}

/** EIP-2098: s with the parity bit on top. */
function compactOf(signature: Hex) {
  const { r, s, yParity } = parseSignature(signature)
  const vs = numberToHex(BigInt(s) | (BigInt(yParity) << 255n), { size: 32 })
  return { r, vs, compact: concatHex([r, vs]) }
}

/** Hashed twice, as OpenZeppelin's standard Merkle trees hash their leaves. */
const leafHash = (leaf: Record<string, Value>): Hex =>
  keccak256(keccak256(encodeAbiParameters(fieldsOf(LEAF) as AbiParameter[], Object.values(leaf))))

const hashPair = (a: Hex, b: Hex): Hex =>
  keccak256(BigInt(a) <= BigInt(b) ? concatHex([a, b]) : concatHex([b, a]))

/** A tree of three leaves by hand: node 0 over (1, 2), node 1 over (3, 4); leaves 0, 1, 2 at nodes 4, 3, 2. */
function treeOfThree(leaves: Hex[]) {
  const [a, b, c] = leaves as [Hex, Hex, Hex]
  const inner = hashPair(b, a)
  return { root: hashPair(inner, c), proofs: [[b, c], [a, c], [inner]] }
}

async function batchVector(root: Hex) {
  const payers = await Promise.all(
    [4, 5, 6].map(async (index) => {
      const message = {
        router: account(1).address,
        ceiling: 1_000_000n * BigInt(index),
        expiry: 4_102_444_800,
        request: keccak256(numberToHex(index)),
      }
      const types = { Voucher: fieldsOf(TYPE_STRINGS.Voucher) }
      const digest = hashTypedData({ domain, types, primaryType: 'Voucher', message })
      const { r, vs } = compactOf(await sign({ hash: digest, privateKey: privateKey(index), to: 'hex' }))
      return { ...message, key: account(index).address, r, vs, charge: 1000n * BigInt(index) }
    }),
  )
  const nodes = [
    { id: 1, amount: 9_000n },
    { id: 7, amount: 6_000n },
  ]
  const pods = [{ id: 2, amount: 15_000n }]
  const frontends = [
    { id: 0, amount: 5_000n },
    { id: 3, amount: 10_000n },
  ]
  const header = { seq: 1n, prev: numberToHex(0, { size: 32 }), root, dataHash: keccak256('0x7b7d') }
  const packed = concatHex([
    encodePacked(
      ['uint64', 'bytes32', 'bytes32', 'bytes32', 'uint16', 'uint16', 'uint16', 'uint16'],
      [
        header.seq,
        header.prev,
        header.root,
        header.dataHash,
        payers.length,
        nodes.length,
        pods.length,
        frontends.length,
      ],
    ),
    ...payers.map((line) =>
      encodePacked(
        ['bytes32', 'bytes32', 'bytes32', 'uint64', 'uint40', 'uint48'],
        [line.r, line.vs, line.request, line.ceiling, line.expiry, Number(line.charge)],
      ),
    ),
    ...[...nodes, ...pods, ...frontends].map((line) =>
      encodePacked(['uint32', 'uint48'], [line.id, Number(line.amount)]),
    ),
  ])
  return { ...header, payers, nodes, pods, frontends, packed, hash: keccak256(packed) }
}

export async function vectors() {
  const names = Object.keys(TYPE_STRINGS) as (keyof typeof TYPE_STRINGS)[]
  const leaves = samples(LEAF)
  const hashes = leaves.map(leafHash)
  const tree = treeOfThree(hashes)
  return {
    domain: {
      ...domain,
      separator: domainSeparator({ domain }),
      type: `EIP712Domain(${EIP712_DOMAIN.map(({ name, type }) => `${type} ${name}`).join(',')})`,
    },
    types: Object.fromEntries(
      names.map((name) => {
        const text = `${name}(${TYPE_STRINGS[name].replaceAll(', ', ',')})`
        return [name, { type: text, hash: keccak256(`0x${Buffer.from(text).toString('hex')}`) }]
      }),
    ),
    messages: Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await messageVectors(name)] as const)),
    ),
    leaves: leaves.map((leaf, index) => ({
      leaf: plain(leaf),
      abi: encodeAbiParameters(fieldsOf(LEAF) as AbiParameter[], Object.values(leaf)),
      hash: hashes[index],
      proof: tree.proofs[index],
    })),
    root: tree.root,
    batch: await batchVector(tree.root),
  }
}

export const toJson = (value: unknown): string =>
  `${JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? field.toString() : field), 2)}\n`

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(new URL('messages.json', import.meta.url), toJson(await vectors()))
}
