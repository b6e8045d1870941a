import { createRequire } from 'node:module'
import { createKeccak } from 'hash-wasm'
import type { Address, Hex } from 'viem'
import { fromHex, type Keccak, toHex } from './protocol/bytes.ts'

/**
 * The fast cryptography of routers and workers (Node only): libsecp256k1 and WebAssembly keccak.
 * viem is the oracle in the tests; the answers are the same, 26 times sooner.
 */

interface Secp256k1 {
  /** What runs: `native` libsecp256k1, or its WebAssembly build where no prebuilt binary fits. */
  readonly name: 'native' | 'wasm'
  sign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number }
  recover(signature: Uint8Array, recid: number, digest: Uint8Array): Uint8Array
  publicKey(key: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)

function loadNative(): Secp256k1 {
  const lib = require('secp256k1/bindings') as typeof import('secp256k1')
  return {
    name: 'native',
    sign: (digest, key) => lib.ecdsaSign(digest, key),
    recover: (signature, recid, digest) => lib.ecdsaRecover(signature, recid, digest, false),
    publicKey: (key) => lib.publicKeyCreate(key, false),
  }
}

function loadWasm(): Secp256k1 {
  const lib = require('tiny-secp256k1') as typeof import('tiny-secp256k1')
  return {
    name: 'wasm',
    sign(digest, key) {
      const { signature, recoveryId } = lib.signRecoverable(digest, key)
      return { signature, recid: recoveryId }
    },
    recover(signature, recid, digest) {
      const point = lib.recover(digest, signature, recid as 0 | 1 | 2 | 3, false)
      if (!point) throw new Error('no point')
      return point
    },
    publicKey(key) {
      const point = lib.pointFromScalar(key, false)
      if (!point) throw new Error('not a private key')
      return point
    },
  }
}

function load(): Secp256k1 {
  if (process.env.HEURIST_SECP256K1 === 'wasm') return loadWasm()
  try {
    return loadNative()
  } catch {
    return loadWasm()
  }
}

const secp256k1 = load()

/** Which implementation runs; shown at start and in `/healthz`. */
export const signatureLibrary = secp256k1.name

const hasher = await createKeccak(256)
export const fastKeccak: Keccak = (bytes) => hasher.init().update(bytes).digest('binary')

const addressOf = (publicKey: Uint8Array): Address =>
  toHex(fastKeccak(publicKey.subarray(1)).subarray(12)) as Address

/** Signs digests with one private key. */
export interface Signer {
  readonly address: Address
  /** 65 bytes: r, s (low), v (27 or 28), as viem and wallets expect. */
  sign(digest: Hex): Hex
}

/** @param privateKey 32 bytes. */
export function createSigner(privateKey: Hex): Signer {
  const key = fromHex(privateKey)
  const address = addressOf(secp256k1.publicKey(key))
  return {
    address,
    sign(digest) {
      const { signature, recid } = secp256k1.sign(fromHex(digest), key)
      return `${toHex(signature)}${(27 + recid).toString(16)}`
    },
  }
}

const HALF_ORDER = fromHex('0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')

/** A signature in its one canonical form, as a batch line carries it. */
export interface CompactSignature {
  r: Hex
  /** s with the parity bit on top (EIP-2098). */
  vs: Hex
}

/** r and s, 64 bytes, and the parity of the point that r is of. */
interface Parts {
  rs: Uint8Array
  parity: number
}

/** @returns undefined if it is of another length, v is unknown or s is in the upper half (the malleable twin). */
function partsOf(signature: Hex): Parts | undefined {
  const bytes = fromHex(signature)
  if (bytes.length !== 64 && bytes.length !== 65) return undefined
  const top = bytes[32] ?? 0
  const v = bytes[64] ?? top >> 7
  const parity = v >= 27 ? v - 27 : v
  const rs = bytes.subarray(0, 64)
  // Without a v, the top bit of s is the parity.
  if (bytes.length === 64) rs[32] = top & 0x7f
  if (parity > 1 || Buffer.compare(rs.subarray(32), HALF_ORDER) > 0) return undefined
  return { rs, parity }
}

/**
 * One form for 64- and 65-byte signatures.
 *
 * @returns undefined if v is unknown or s is in the upper half (the malleable twin).
 */
export function toCompact(signature: Hex): CompactSignature | undefined {
  const parts = partsOf(signature)
  if (!parts) return undefined
  const { rs, parity } = parts
  rs[32] = (rs[32] ?? 0) | (parity << 7)
  return { r: toHex(rs.subarray(0, 32)), vs: toHex(rs.subarray(32)) }
}

/**
 * The address that signed `digest`.
 *
 * @returns undefined for any signature that has none, malleable ones included.
 */
export function recoverSigner(digest: Hex, signature: Hex): Address | undefined {
  const parts = partsOf(signature)
  if (!parts) return undefined
  try {
    return addressOf(secp256k1.recover(parts.rs, parts.parity, fromHex(digest)))
  } catch {
    return undefined
  }
}

/** All of it, as a client takes it. */
export const native = { keccak: fastKeccak, recover: recoverSigner, signer: createSigner }
