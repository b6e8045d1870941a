import { unpackBatch } from '../../sdk/protocol/batch.ts'
import { epochAt } from '../../sdk/protocol/epochs.ts'
import type { Gross } from '../router/ledger/ledger.ts'

export type Payee = `${Gross['role']} ${number}`

/** Which payees have been credited in this epoch already: their next line costs a fifth of the first. */
export interface Credited {
  has(payee: Payee, nowMs: number): boolean
  /** A batch of these bytes landed between its first signature and now, Unix ms. */
  add(packed: Uint8Array, signedMs: number, nowMs: number): void
  /** The chain has undone something. */
  forget(): void
}

/** A batch that is signed so near to the end of an epoch may land in the next one, where every line is a first one. */
const LANDS_WITHIN_MS = 2 * 3_600_000

const epochOf = (ms: number): number => epochAt(ms / 1000)

/** Knows nothing at first: a payee that it does not know is counted at the higher price. */
export function createCredited(): Credited {
  let epoch = 0
  const payees = new Set<Payee>()

  return {
    has: (payee, nowMs) => epochOf(nowMs + LANDS_WITHIN_MS) === epoch && payees.has(payee),
    add(packed, signedMs, nowMs) {
      const now = epochOf(nowMs)
      if (now !== epoch) payees.clear()
      epoch = now
      if (epochOf(signedMs) !== now) return
      const { nodes, pods, frontends } = unpackBatch(packed)
      for (const { id } of nodes) payees.add(`node ${id}`)
      for (const { id } of pods) payees.add(`pod ${id}`)
      for (const { id } of frontends) payees.add(`frontend ${id}`)
    },
    forget: () => payees.clear(),
  }
}
