import type { Address } from 'viem'
import { HEADER_BYTES, PAYEE_LINE_BYTES, PAYER_LINE_BYTES } from '../../sdk/protocol/batch.ts'
import type { Gross, UnpostedLeaf } from '../router/ledger/ledger.ts'

/** What waits for one payee, base units, and since when, Unix ms. */
export interface WaitingPayee extends Gross {
  oldestAt: number
}

/** What is in no batch yet. */
export interface Waiting {
  leaves: number
  gross: bigint
  /** Unix ms; 0 if nothing waits. */
  oldestAt: number
  payers: number
  payees: ReadonlyMap<string, WaitingPayee>
}

export const NOTHING: Waiting = { leaves: 0, gross: 0n, oldestAt: 0, payers: 0, payees: new Map() }

/** Gas of a batch by the bars that its contract is held to: fixed, per payer line, per payee line; plus its bytes. */
export function gasOf({ payers, payees }: Pick<Waiting, 'payers' | 'payees'>): bigint {
  const [payerLines, payeeLines] = [BigInt(payers), BigInt(payees.size)]
  const bytes =
    BigInt(HEADER_BYTES) + payerLines * BigInt(PAYER_LINE_BYTES) + payeeLines * BigInt(PAYEE_LINE_BYTES)
  return 80_000n + 12_000n * payerLines + 6_000n * payeeLines + 16n * bytes
}

export interface Tally {
  /** Number of the last leaf that was counted. */
  readonly last: number
  add(leaves: readonly UnpostedLeaf[]): void
  /** Leaves up to this one went into a batch. */
  drop(upTo: number): void
  now(): Waiting
}

interface Line {
  leaf: number
  at: number
  price: bigint
  payer: Address
  payees: [Gross['role'], number][]
}

/** Counts what waits, one leaf at a time: the journal of a busy router is not read again at every look. */
export function createTally(last: number): Tally {
  let lines: Line[] = []
  let sums = emptySums()
  let counted = last

  function count(line: Line): void {
    sums.gross += line.price
    sums.payers.add(line.payer)
    for (const [role, id] of line.payees) {
      const key = `${role} ${id}`
      const known = sums.payees.get(key) ?? { role, id, gross: 0n, oldestAt: line.at }
      sums.payees.set(key, { ...known, gross: known.gross + line.price })
    }
  }

  return {
    get last() {
      return counted
    },
    add(leaves) {
      for (const { leaf, at, price, body } of leaves) {
        if (leaf <= counted) continue
        const payees: Line['payees'] = [
          ['node', body.node],
          ['pod', body.pod],
          ['frontend', body.frontend],
        ]
        const line = { leaf, at, price, payer: body.payer, payees }
        lines.push(line)
        count(line)
        counted = leaf
      }
    },
    drop(upTo) {
      lines = lines.filter(({ leaf }) => leaf > upTo)
      sums = emptySums()
      for (const line of lines) count(line)
    },
    now: () => ({
      leaves: lines.length,
      gross: sums.gross,
      oldestAt: lines[0]?.at ?? 0,
      payers: sums.payers.size,
      payees: sums.payees,
    }),
  }
}

const emptySums = () => ({
  gross: 0n,
  payers: new Set<Address>(),
  payees: new Map<string, WaitingPayee>(),
})
