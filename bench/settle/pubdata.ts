import type { Hex } from 'viem'

/**
 * What a ZK Stack chain publishes of a state difference. Estimates by the published rules: every changed slot is a key and
 * a value; the value is one header byte and the shortest of Add, Sub, Transform (without leading zeros) and raw. Calldata
 * and events are not published. ZKsync OS writes the 32-byte key each time; Era writes it the first time and then an index.
 *
 * @source reference/contracts.md §3.3, after matter-labs/zksync-docs "Pubdata compression".
 */
export interface SlotChange {
  before: bigint
  after: bigint
}

const WORD = 1n << 256n
const KEY_BYTES = 32
/** The longer of the two widths that Era's enumeration index has. */
const INDEX_BYTES = 5
const HEADER_BYTES = 1
const RAW_BYTES = 32

/** Bytes of a changed value: header and shortest form. */
export function valueBytes({ before, after }: SlotChange): number {
  const add = bytesOf((after - before + WORD) % WORD)
  const sub = bytesOf((before - after + WORD) % WORD)
  return HEADER_BYTES + Math.min(add, sub, bytesOf(after), RAW_BYTES)
}

/** Bytes of a block's changes on ZKsync OS. */
export function zksyncOsBytes(changes: Iterable<SlotChange>): number {
  return sum(changes, (change) => KEY_BYTES + valueBytes(change))
}

/** Bytes of the same changes on Era; a slot that was zero had no index yet. */
export function eraBytes(changes: Iterable<SlotChange>): number {
  return sum(changes, (change) => (change.before === 0n ? KEY_BYTES : INDEX_BYTES) + valueBytes(change))
}

/** `prestateTracer` with `diffMode`: only what changed; a slot that is or becomes zero stands on one side only. */
export interface StateDiff {
  pre: Record<string, { storage?: Record<Hex, Hex> }>
  post: Record<string, { storage?: Record<Hex, Hex> }>
}

/** Net changes of consecutive transactions, by `address/slot`: what one block publishes of them. */
export function netChanges(diffs: readonly StateDiff[]): Map<string, SlotChange> {
  const net = new Map<string, SlotChange>()
  for (const { pre, post } of diffs) {
    for (const address of new Set([...Object.keys(pre), ...Object.keys(post)])) {
      const [before, after] = [pre[address]?.storage ?? {}, post[address]?.storage ?? {}]
      for (const slot of new Set([...Object.keys(before), ...Object.keys(after)]) as Set<Hex>) {
        const name = `${address}/${slot}`
        const first = net.get(name)?.before ?? BigInt(before[slot] ?? 0)
        net.set(name, { before: first, after: BigInt(after[slot] ?? 0) })
      }
    }
  }
  for (const [name, { before, after }] of net) if (before === after) net.delete(name)
  return net
}

const bytesOf = (value: bigint): number => (value === 0n ? 0 : Math.ceil(value.toString(16).length / 2))

const sum = (changes: Iterable<SlotChange>, size: (change: SlotChange) => number): number => {
  let total = 0
  for (const change of changes) total += size(change)
  return total
}
