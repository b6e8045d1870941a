import { setImmediate } from 'node:timers/promises'
import type { Ledger, UnpostedLeaf } from '../router/ledger/ledger.ts'

/** Leaves that are read or hashed at once; calls that stream are served in between. */
const PIECE = 500

/** At most so many leaves after a leaf, oldest first, piece by piece; all of them if nothing is said. */
export async function* piecesAfter(
  ledger: Pick<Ledger, 'leavesAfter'>,
  after: number,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<UnpostedLeaf[]> {
  let last = after
  for (let rest = most; rest > 0; rest -= PIECE) {
    const piece = await ledger.leavesAfter(last, Math.min(PIECE, rest))
    last = piece.at(-1)?.leaf ?? last
    if (piece.length > 0) yield piece
    if (piece.length < PIECE) return
    await setImmediate()
  }
}

/** Works to the end; whoever waits has its turn at every pause. */
export async function withPauses<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    await setImmediate()
  }
}
