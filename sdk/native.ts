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

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** A signature in its one canonical form, as a batch line carries it. */
export interface CompactSignature {
  r: Hex
  /** s with the parity bit on top (EIP-2098). */
  vs: Hex
}

/**
 * One form for 64- and 65-byte signatures.
 *
 * @returns undefined if v is unknown or s is in the upper half (the malleable twin).
 */
export function toCompact(signature: Hex): CompactSignature | undefined {
  const bytes = fromHex(signature)
  if (bytes.length === 65) {
    const v = bytes[64] ?? 0
    const parity = v >= 27 ? v - 27 : v
    if (parity > 1 || ((bytes[32] ?? 0) & 0x80) !== 0) return undefined
    bytes[32] = (bytes[32] ?? 0) | (parity << 7)
  }
  const s = BigInt(toHex(bytes.subarray(32, 64))) & ((1n << 255n) - 1n)
  if (s > HALF_ORDER) return undefined
  return { r: toHex(bytes.subarray(0, 32)), vs: toHex(bytes.subarray(32, 64)) }
}

/**
 * The address that signed `digest`.
 *
 * @returns undefined for any signature that has none, malleable ones included.
 */
export function recoverSigner(digest: Hex, signature: Hex): Address | undefined {
  const compact = toCompact(signature)
  if (!compact) return undefined
  const bytes = new Uint8Array(64)
  bytes.set(fromHex(compact.r), 0)
  bytes.set(fromHex(compact.vs), 32)
  const recid = (bytes[32] ?? 0) >> 7
  bytes[32] = (bytes[32] ?? 0) & 0x7f
  try {
    return addressOf(secp256k1.recover(bytes, recid, fromHex(digest)))
  } catch {
    return undefined
  }
}

/** All of it, as a client takes it. */
export const native = { keccak: fastKeccak, recover: recoverSigner, signer: createSigner }
