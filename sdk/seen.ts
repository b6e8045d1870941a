import type { Hex } from 'viem'
import { type Keccak, keccak, writeHex } from './protocol/bytes.ts'

/** Whether it was given this request before; from now on it was. */
export type Seen = (request: Hex) => boolean

/** Four full batches: so many requests back, and at most twice as many, a second one is noticed. */
const MOST_SEEN = 4_000_000
const SALT_BYTES = 16
const FIRST_SLOTS = 1_024

/**
 * Remembers requests in eight bytes each, 128 MiB at most. They are hashed with a salt of this audit's own: nobody can
 * make two requests look like one to call an honest router a liar, nor choose one that looks like none.
 *
 * @param most  How many are remembered at least.
 */
export function createSeen(hash: Keccak = keccak, most = MOST_SEEN): Seen {
  const salted = new Uint8Array(SALT_BYTES + 32)
  crypto.getRandomValues(salted.subarray(0, SALT_BYTES))
  let [newer, older] = [createTable(), createTable()]
  return (request) => {
    writeHex(salted, SALT_BYTES, request)
    const digest = hash(salted)
    const words = new DataView(digest.buffer, digest.byteOffset)
    // A slot of two zeros is empty.
    const [a, b] = [words.getUint32(0), words.getUint32(4) || 1]
    if (newer.has(a, b) || older.has(a, b)) return true
    if (newer.size >= most) [newer, older] = [createTable(), newer]
    newer.add(a, b)
    return false
  }
}

/** An open-addressed table of two words each, at most half full. */
function createTable() {
  let slots = new Uint32Array(2 * FIRST_SLOTS)
  let size = 0

  /** Where the words are, or would be. */
  function placeOf(a: number, b: number): number {
    const mask = slots.length / 2 - 1
    let slot = a & mask
    while (slots[2 * slot + 1] !== 0 && (slots[2 * slot] !== a || slots[2 * slot + 1] !== b))
      slot = (slot + 1) & mask
    return 2 * slot
  }

  function grow(): void {
    const old = slots
    slots = new Uint32Array(2 * old.length)
    for (let at = 0; at < old.length; at += 2) {
      const [a, b] = [old[at] as number, old[at + 1] as number]
      if (b !== 0) slots.set([a, b], placeOf(a, b))
    }
  }

  return {
    get size() {
      return size
    },
    has: (a: number, b: number) => slots[placeOf(a, b) + 1] !== 0,
    add(a: number, b: number) {
      if (4 * size >= slots.length) grow()
      slots.set([a, b], placeOf(a, b))
      size += 1
    },
  }
}
