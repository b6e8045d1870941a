import { receiptDocumentSchema } from './documents.ts'
import { asHeuristError } from './errors.ts'
import type { Leaf, Place } from './settlement.ts'

/** Leaves whose receipts are asked for, at most: calls that cost nothing are few between two that cost something. */
const MOST_ASKED = 8

/** Of leaves that end inside a call's part of a payee's gross: the one that takes of that part, and whether all were read. */
export interface Overlap {
  leaf: Leaf | undefined
  isWhole: boolean
}

/**
 * Two calls must not share a part of a payee's gross: the payee would be credited once for both. Only a call that cost
 * nothing ends where another did, and its signed receipt says so.
 *
 * @param inside  Leaves of other calls that end inside the part.
 * @throws `router.unreachable` (later).
 */
export async function overlapOf(
  place: Pick<Place, 'transport' | 'hasher'>,
  inside: readonly Leaf[],
): Promise<Overlap> {
  for (const leaf of inside.slice(0, MOST_ASKED)) {
    if (!(await wasFree(place, leaf))) return { leaf, isWhole: true }
  }
  return { leaf: undefined, isWhole: inside.length <= MOST_ASKED }
}

async function wasFree(
  { transport, hasher }: Pick<Place, 'transport' | 'hasher'>,
  leaf: Leaf,
): Promise<boolean> {
  try {
    const { receipt } = await transport.get(`/v1/receipts/${leaf.request}`, receiptDocumentSchema)
    return receipt?.price === 0n && hasher.struct('Receipt', receipt) === leaf.receipt
  } catch (cause) {
    if (asHeuristError(cause).kind === 'later') throw cause
    return false
  }
}
