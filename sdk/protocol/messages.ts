import type { Address, Hex } from 'viem'
import { type Keccak, keccak, toHex, writeHex, writeUint } from './bytes.ts'

/**
 * The EIP-712 messages of the protocol, written once here and once in `contracts/libraries/Messages.sol`;
 * `test/vectors/messages.json` holds the two equal. Every field is one 32-byte word.
 */
export const TYPES = {
  Request: [
    { name: 'payer', type: 'address' },
    { name: 'id', type: 'bytes32' },
    { name: 'pod', type: 'uint32' },
    { name: 'manifest', type: 'bytes32' },
    { name: 'frontend', type: 'uint32' },
    { name: 'node', type: 'uint32' },
    { name: 'maxPrice', type: 'uint128' },
    { name: 'deadline', type: 'uint40' },
    { name: 'input', type: 'bytes32' },
  ],
  Voucher: [
    { name: 'router', type: 'address' },
    { name: 'ceiling', type: 'uint128' },
    { name: 'expiry', type: 'uint40' },
    { name: 'request', type: 'bytes32' },
  ],
  Receipt: [
    { name: 'request', type: 'bytes32' },
    { name: 'node', type: 'uint32' },
    { name: 'unitsIn', type: 'uint64' },
    { name: 'unitsOut', type: 'uint64' },
    { name: 'length', type: 'uint64' },
    { name: 'end', type: 'uint8' },
    { name: 'price', type: 'uint128' },
    { name: 'output', type: 'bytes32' },
    { name: 'evidence', type: 'bytes32' },
    { name: 'completedAt', type: 'uint40' },
  ],
  Ack: [
    { name: 'payer', type: 'address' },
    { name: 'charged', type: 'uint128' },
    { name: 'count', type: 'uint64' },
    { name: 'receipt', type: 'bytes32' },
  ],
  Statement: [
    { name: 'role', type: 'uint8' },
    { name: 'id', type: 'uint32' },
    { name: 'gross', type: 'uint128' },
    { name: 'asOf', type: 'uint40' },
  ],
  Open: [
    { name: 'router', type: 'address' },
    { name: 'owner', type: 'address' },
  ],
} as const

/** What a payer asks for. Its struct hash is what `request` means everywhere else. */
export interface Request {
  /** The account key that pays: the signer of the voucher. */
  payer: Address
  /** Chosen by the payer, unique per payer: the idempotency key. */
  id: Hex
  pod: number
  /** Keccak-256 of the bytes of the pod version's manifest. */
  manifest: Hex
  /** 0 = none: its share is burnt. */
  frontend: number
  /** 0 = the router assigns. */
  node: number
  /** The most this call may cost, payment-asset base units. */
  maxPrice: bigint
  /** Unix seconds after which nobody should start the work. */
  deadline: number
  /** Keccak-256 of the input bytes. */
  input: Hex
}

/** The payer's one signature per call: `router` may have charged the account up to `ceiling` in all. */
export interface Voucher {
  router: Address
  /** Cumulative over the life of the account (router, key), base units, below 2^64. */
  ceiling: bigint
  /** Unix seconds; 48 hours to 7 days ahead when the router admits it. */
  expiry: number
  request: Hex
}

/** How the delivery ended. */
export const END = { complete: 0, clientLeft: 1 } as const
export type End = (typeof END)[keyof typeof END]

/** What the node did and what it asks for, signed by the node's registered signer. */
export interface Receipt {
  request: Hex
  node: number
  unitsIn: bigint
  unitsOut: bigint
  /** Output bytes delivered. */
  length: bigint
  end: End
  /** The manifest's formula on the units, base units. */
  price: bigint
  /** Keccak-256 of exactly the `length` bytes delivered. */
  output: Hex
  /** Keccak-256 of the kind's commitment bytes, which a validator can check. */
  evidence: Hex
  completedAt: number
}

/** The router's countersignature: what this account has been charged in all, after this receipt. */
export interface Ack {
  payer: Address
  charged: bigint
  /** Receipts of this account so far, this one included. */
  count: bigint
  receipt: Hex
}

/** The payee roles, as numbers on chain. */
export const ROLE = { node: 0, pod: 1, frontend: 2, voters: 3 } as const
export type Role = keyof typeof ROLE

export interface Statement {
  role: number
  id: number
  gross: bigint
  asOf: number
}

/** A key names who may withdraw its account, once. */
export interface Open {
  router: Address
  owner: Address
}

export interface Messages {
  Request: Request
  Voucher: Voucher
  Receipt: Receipt
  Ack: Ack
  Statement: Statement
  Open: Open
}
export type MessageName = keyof Messages

export interface Domain {
  chainId: number
  /** The ComputeLedger. */
  verifyingContract: Address
}

/** The full EIP-712 domain, as wallets and viem take it. */
export const eip712Domain = (domain: Domain) => ({ name: 'Heurist', version: '1', ...domain })

export interface Hasher {
  /** EIP-712 hashStruct. */
  struct<N extends MessageName>(name: N, message: Messages[N]): Hex
  /** The digest that is signed. */
  digest<N extends MessageName>(name: N, message: Messages[N]): Hex
  /** The digest of a struct hash already at hand. */
  digestOf(structHash: Hex): Hex
  /** Keccak-256 of any bytes: inputs and outputs, by the means that messages are hashed with. */
  bytes(data: Uint8Array): Hex
  readonly domainSeparator: Hex
}

const utf8 = new TextEncoder()

/** `Request(address payer,bytes32 id,…)`: what the type hash is the hash of. */
export const typeString = (name: MessageName): string =>
  `${name}(${TYPES[name].map((field) => `${field.type} ${field.name}`).join(',')})`

function domainSeparator(domain: Domain, hash: Keccak): Uint8Array {
  const words = new Uint8Array(5 * 32)
  const type = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
  words.set(hash(utf8.encode(type)), 0)
  words.set(hash(utf8.encode('Heurist')), 32)
  words.set(hash(utf8.encode('1')), 64)
  writeUint(words, 96, 32, domain.chainId)
  writeHex(words, 128 + 12, domain.verifyingContract)
  return hash(words)
}

/** Width in bytes and kind of a field's type, from its Solidity name. */
function layout(type: string): { hex: boolean; size: number } {
  if (type === 'address') return { hex: true, size: 20 }
  if (type === 'bytes32') return { hex: true, size: 32 }
  return { hex: false, size: Number(type.slice('uint'.length)) / 8 }
}

/** Right-aligned before `end`, and exactly `size` bytes long. */
function writeSizedHex(words: Uint8Array, end: number, size: number, text: string): void {
  if (text.length !== 2 + 2 * size) throw new RangeError(`${text} is not of ${size} bytes`)
  writeHex(words, end - size, text)
}

/**
 * Hashes messages for one domain with a fixed layout: type hashes and domain separator are computed once.
 *
 * @param hash  A faster keccak for hot paths; the answer is the same.
 * @throws RangeError if a value does not fit its field: hash only what a schema has checked.
 */
export function createHasher(domain: Domain, hash: Keccak = keccak): Hasher {
  const separator = domainSeparator(domain, hash)
  const layouts = Object.fromEntries(
    (Object.keys(TYPES) as MessageName[]).map((name) => {
      const fields = TYPES[name].map((field) => ({ name: field.name as string, ...layout(field.type) }))
      return [name, { typeHash: hash(utf8.encode(typeString(name))), fields }]
    }),
  ) as Record<MessageName, { typeHash: Uint8Array; fields: { name: string; hex: boolean; size: number }[] }>

  function structBytes<N extends MessageName>(name: N, message: Messages[N]): Uint8Array {
    const { typeHash, fields } = layouts[name]
    const values = message as unknown as Record<string, string | number | bigint>
    const words = new Uint8Array(32 * (fields.length + 1))
    words.set(typeHash, 0)
    fields.forEach((field, index) => {
      const end = 32 * (index + 2)
      const value = values[field.name]
      if (value === undefined) throw new RangeError(`${name}.${field.name} is missing`)
      if (field.hex) writeSizedHex(words, end, field.size, value as string)
      else writeUint(words, end - field.size, field.size, value as bigint | number)
    })
    return hash(words)
  }

  function digestBytes(structHash: Uint8Array): Hex {
    const bytes = new Uint8Array(66)
    bytes[0] = 0x19
    bytes[1] = 0x01
    bytes.set(separator, 2)
    bytes.set(structHash, 34)
    return toHex(hash(bytes))
  }

  return {
    domainSeparator: toHex(separator),
    struct: (name, message) => toHex(structBytes(name, message)),
    digest: (name, message) => digestBytes(structBytes(name, message)),
    digestOf(structHash) {
      const bytes = new Uint8Array(32)
      writeHex(bytes, 0, structHash)
      return digestBytes(bytes)
    },
    bytes: (data) => toHex(hash(data)),
  }
}
