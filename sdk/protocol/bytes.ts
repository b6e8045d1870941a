import { keccak_256 } from '@noble/hashes/sha3.js'
import type { Hex } from 'viem'

/** Keccak-256 of bytes. The portable one is noble's; hot paths inject a faster one with the same answer. */
export type Keccak = (bytes: Uint8Array) => Uint8Array

export const keccak: Keccak = (bytes) => keccak_256(bytes)

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): Hex {
  let text = '0x'
  for (const byte of bytes) text += HEX[byte]
  return text as Hex
}

export function fromHex(hex: string): Uint8Array {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex
  const bytes = new Uint8Array(digits.length / 2)
  writeHex(bytes, 0, hex)
  return bytes
}

/** Writes the bytes of `hex` at `offset`; the caller has checked that it is hexadecimal of even length. */
export function writeHex(target: Uint8Array, offset: number, hex: string): void {
  const start = hex.startsWith('0x') ? 2 : 0
  for (let at = start, to = offset; at < hex.length; at += 2, to += 1) {
    target[to] = (nibble(hex.charCodeAt(at)) << 4) | nibble(hex.charCodeAt(at + 1))
  }
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  if (letter >= 97 && letter <= 102) return letter - 87
  throw new RangeError(`not a hexadecimal digit: ${String.fromCharCode(code)}`)
}

/** What fits eight bytes, as most amounts do: written at once. */
const WORD = 1n << 64n

/** Writes `value` big-endian into `size` bytes at `offset`; throws RangeError if it does not fit. */
export function writeUint(target: Uint8Array, offset: number, size: number, value: bigint | number): void {
  if (typeof value === 'number' && size <= 6) {
    writeSmall(target, offset, size, value)
    return
  }
  let rest = BigInt(value)
  if (rest < 0n) throw new RangeError(`negative: ${value}`)
  if (rest < WORD && size >= 8) {
    target.fill(0, offset, offset + size - 8)
    new DataView(target.buffer, target.byteOffset).setBigUint64(offset + size - 8, rest)
    return
  }
  for (let at = offset + size - 1; at >= offset; at -= 1) {
    target[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  if (rest !== 0n) throw new RangeError(`${value} does not fit ${size} bytes`)
}

function writeSmall(target: Uint8Array, offset: number, size: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a whole number: ${value}`)
  let rest = value
  for (let at = offset + size - 1; at >= offset; at -= 1) {
    target[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  if (rest !== 0) throw new RangeError(`${value} does not fit ${size} bytes`)
}

export function readUint(source: Uint8Array, offset: number, size: number): bigint {
  let value = 0n
  for (let at = offset; at < offset + size; at += 1) value = (value << 8n) | BigInt(source[at] ?? 0)
  return value
}

/** The hash of a stream of bytes, readable at any prefix: `Receipt.output` is this over the bytes delivered. */
export interface RunningHash {
  update(bytes: Uint8Array): void
  /** Bytes seen so far. */
  readonly length: number
  /** Keccak-256 of the bytes seen so far; more may follow. */
  digest(): Hex
}

export const runningHash = (): RunningHash => new KeccakSoFar()

/** A class, as everything with accessors that is made for each call (see sdk/late-stream.ts). */
class KeccakSoFar implements RunningHash {
  readonly #hash = keccak_256.create()
  #length = 0

  get length(): number {
    return this.#length
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#length += bytes.length
  }

  digest(): Hex {
    return toHex(this.#hash.clone().digest())
  }
}
