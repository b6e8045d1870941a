import type { Address } from 'viem'
import { bug, later, refused } from '../../sdk/errors.ts'
import { fastKeccak } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { leafRow, leavesInPart, partBytes, readIndex } from '../../sdk/protocol/data.ts'
import type { BatchRow, Ledger } from '../router/ledger/ledger.ts'
import { createKept } from './kept.ts'
import { piecesAfter } from './pieces.ts'

type Batch = Pick<BatchRow, 'seq' | 'firstLeaf' | 'index'>

/**
 * The bytes of a part of a batch's data.
 *
 * @param asker  Who asks; absent if nobody is told apart.
 * @throws `part.unknown` (refused); `parts.busy` (later) beyond {@link MOST_WAITING} parts that are not kept yet,
 *   {@link MOST_OF_ONE} of one asker; `batch.differs` (bug) rather than bytes that are not what was posted.
 */
export type Parts = (batch: Batch, part: number, asker?: string) => Promise<Uint8Array>

/** Parts that are kept: some three megabytes each. */
const MOST_KEPT = 4
/** Parts that wait to be made: each takes a fifth of a second, and clients wait fifteen. */
const MOST_WAITING = 32
/** A flooder leaves three quarters of them to others: an auditor would call the router a liar that puts it off. */
const MOST_OF_ONE = MOST_WAITING / 4

const limit = {
  most: MOST_WAITING,
  mostOfOne: MOST_OF_ONE,
  busy: (most: number) =>
    later('parts.busy', 'This router is asked for more parts of batches than it makes at once.', {
      fix: 'Ask for one after the other.',
      details: { most, retryAfterSeconds: 1 },
    }),
}

/** Parts are not stored: they are made of the leaves, which stay, and of the index, which says how they were cut. */
export function createParts(ledger: Pick<Ledger, 'leavesAfter'>, router: Address): Parts {
  const parts = createKept<Uint8Array>(MOST_KEPT, limit)

  async function make({ seq, firstLeaf, index: bytes }: Batch, part: number): Promise<Uint8Array> {
    const index = readIndex(bytes, { router, seq, dataHash: toHex(fastKeccak(bytes)) }, fastKeccak)
    if (index.parts[part] === undefined) {
      throw refused('part.unknown', `Batch ${seq} has ${index.parts.length} parts.`, {
        fix: `They count from 0: see GET /v1/batches/${seq}.`,
      })
    }
    const after = firstLeaf - 1 + part * index.partLeaves
    const rows: string[] = []
    for await (const piece of piecesAfter(ledger, after, leavesInPart(index, part))) {
      for (const { body } of piece) rows.push(leafRow(body))
    }
    const made = partBytes({ router, seq }, part, rows)
    if (toHex(fastKeccak(made)) === index.parts[part]) return made
    throw bug('batch.differs', `part ${part} of batch ${seq} is not what was posted`, {
      fix: 'Restore the journal that posted it.',
      details: { seq: Number(seq), part },
    })
  }

  return (batch, part, asker) => parts(`${batch.seq}/${part}`, () => make(batch, part), asker)
}
