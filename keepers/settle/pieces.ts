import { setImmediate } from 'node:timers/promises'
import type { Ledger, UnpostedLeaf } from '../router/ledger/ledger.ts'

/** Leaves that are read or hashed at once; calls that stream are served in between. */
const PIECE = 500

/** At most so many leaves after a leaf, oldest first; all of them if nothing is said. */
export async function readInPieces(
  ledger: Pick<Ledger, 'leavesAfter'>,
  after: number,
  most = Number.POSITIVE_INFINITY,
): Promise<UnpostedLeaf[]> {
  const leaves: UnpostedLeaf[] = []
  while (leaves.length < most) {
    const last = leaves.at(-1)?.leaf ?? after
    const more = await ledger.leavesAfter(last, Math.min(PIECE, most - leaves.length))
    leaves.push(...more)
    if (more.length < PIECE) break
    await setImmediate()
  }
  return leaves
}

/** What `work` makes of all, piece by piece, in order. */
export async function inPieces<T, R>(
  all: readonly T[],
  work: (piece: readonly T[]) => readonly R[],
): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < all.length; at += PIECE) {
    done.push(...work(all.slice(at, at + PIECE)))
    await setImmediate()
  }
  return done
}
