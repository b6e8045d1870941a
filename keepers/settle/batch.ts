import type { Address, Hex } from 'viem'
import { fastKeccak } from '../../sdk/native.ts'
import {
  HEADER_BYTES,
  PAYEE_LINE_BYTES,
  PAYER_LINE_BYTES,
  type PayeeLine,
  packBatch,
} from '../../sdk/protocol/batch.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { crownOf } from '../../sdk/protocol/crown.ts'
import { indexBytes, leafRow, PART_LEAVES, partBytes } from '../../sdk/protocol/data.ts'
import { growNodes, leafDigest, nodeAt, WORD } from '../../sdk/protocol/merkle.ts'
import { CHARGE_LIMIT } from '../../sdk/protocol/price.ts'
import type { KeptVoucher, NewBatch, UnpostedLeaf } from '../router/ledger/ledger.ts'
import type { Payee } from './credited.ts'

const ZERO = `0x${'00'.repeat(32)}` as const
/** The payer lines of one batch, by their count's width. */
const MOST_LINES = 65_535

/** A payer without a voucher: its line is skipped on chain and paid by the float. Cannot happen; must not stop others. */
const NO_VOUCHER: KeptVoucher = { r: ZERO, vs: ZERO, request: ZERO, ceiling: 0n, expiry: 0 }

/**
 * Gas at most, bytes included: fixed, per payer, per payee, and per payee that this epoch has not credited yet.
 * Measured: 76k, 11.7k, 5.8k, 28.8k; a payee that was never credited at all is 23.4k.
 */
const MOST_GAS = { fixed: 80_000, payer: 12_000, payee: 6_000, firstOfEpoch: 29_000 }

/** Limits of one transaction, and of what its readers take. */
export interface Room {
  maxLeaves: number
  maxBytes: number
  maxGas: number
}

/** Whether the next leaf, in order, fits the batch as well; after the first that does not, none is asked about. */
export type Fit = (leaf: Pick<UnpostedLeaf, 'body' | 'price'>) => boolean

/**
 * Counts what fits one batch: leaves, bytes, gas at most, lines, and the width of every amount.
 *
 * @param isCredited  Whether a payee has a line in a batch of this epoch already.
 */
export function createFit({ maxLeaves, maxBytes, maxGas }: Room, isCredited: (payee: Payee) => boolean): Fit {
  const gasOf = (payee: Payee) => (isCredited(payee) ? MOST_GAS.payee : MOST_GAS.firstOfEpoch)
  const sums = new Map<string, bigint>()
  let leaves = 0
  let bytes = HEADER_BYTES
  let gas = MOST_GAS.fixed
  return ({ body, price }) => {
    leaves += 1
    if (leaves > maxLeaves) return false
    const payees: Payee[] = [`node ${body.node}`, `pod ${body.pod}`, `frontend ${body.frontend}`]
    for (const line of [body.payer, ...payees] as const) {
      const sum = sums.get(line)
      if (sum === undefined) {
        const isPayer = line === body.payer
        bytes += isPayer ? PAYER_LINE_BYTES : PAYEE_LINE_BYTES
        gas += isPayer ? MOST_GAS.payer : gasOf(line as Payee)
      }
      if ((sum ?? 0n) + price >= CHARGE_LIMIT || sums.size + 4 > MOST_LINES) return false
      sums.set(line, (sum ?? 0n) + price)
    }
    return bytes <= maxBytes && gas <= maxGas
  }
}

/** How many of the leaves, in order, fit one batch. */
export function howManyFit(
  leaves: readonly UnpostedLeaf[],
  room: Room,
  isCredited: (payee: Payee) => boolean,
): number {
  const fits = createFit(room, isCredited)
  const first = leaves.findIndex((leaf) => !fits(leaf))
  return first === -1 ? leaves.length : first
}

/** A batch in the making: leaves go in one by one, in order, and are not kept. */
export interface Builder {
  /** So far. */
  readonly leaves: number
  add(leaf: UnpostedLeaf): void
  /**
   * The router's next batch: each payer once, with the voucher that it was last seen with, each payee once, to the last
   * unit. Pauses often.
   *
   * @throws RangeError for no leaves.
   */
  build(): Generator<void, NewBatch>
}

/** @param partLeaves  Leaves in a part of the published data. */
export function createBuilder(
  router: Address,
  previous: { seq: bigint; hash: Hex },
  partLeaves = PART_LEAVES,
): Builder {
  const seq = previous.seq + 1n
  const payers = new Map<Address, { voucher: KeptVoucher; charge: bigint }>()
  const payees = {
    node: new Map<number, bigint>(),
    pod: new Map<number, bigint>(),
    frontend: new Map<number, bigint>(),
  }
  const parts: Hex[] = []
  const digests: Uint8Array[] = []
  let rows: string[] = []
  let leaves = 0
  let [firstLeaf, lastLeaf, gross] = [0, 0, 0n]

  function endPart(): void {
    parts.push(toHex(fastKeccak(partBytes({ router, seq }, parts.length, rows))))
    rows = []
  }

  function indexOf(): Uint8Array {
    if (rows.length > 0) endPart()
    return indexBytes({ router, seq, leaves, partLeaves, parts })
  }

  return {
    get leaves() {
      return leaves
    },
    add({ leaf, body, price, voucher }) {
      if (rows.length === 0) digests.push(new Uint8Array(WORD * partLeaves))
      digests.at(-1)?.set(leafDigest(body, fastKeccak), WORD * rows.length)
      rows.push(leafRow(body))
      if (rows.length === partLeaves) endPart()
      const line = payers.get(body.payer)
      payers.set(body.payer, { voucher: voucher ?? NO_VOUCHER, charge: (line?.charge ?? 0n) + price })
      for (const role of ROLES) payees[role].set(body[role], (payees[role].get(body[role]) ?? 0n) + price)
      if (leaves === 0) firstLeaf = leaf
      lastLeaf = leaf
      leaves += 1
      gross += price
    },
    *build() {
      const index = indexOf()
      const last = digests.pop()
      if (last) digests.push(last.subarray(0, WORD * (leaves - partLeaves * (parts.length - 1))))
      const nodes = yield* growNodes(digests, fastKeccak)
      const root = nodeAt(nodes, 0)
      const packed = packBatch({
        seq,
        prev: previous.hash,
        root,
        dataHash: toHex(fastKeccak(index)),
        payers: [...payers.values()].map(({ voucher, charge }) => ({ ...voucher, charge })),
        nodes: linesOf(payees.node),
        pods: linesOf(payees.pod),
        frontends: linesOf(payees.frontend),
      })
      const hash = toHex(fastKeccak(packed))
      return { seq, firstLeaf, lastLeaf, packed, index, crown: crownOf(nodes), hash, root, gross }
    },
  }
}

const ROLES = ['node', 'pod', 'frontend'] as const

const linesOf = (sums: ReadonlyMap<number, bigint>): PayeeLine[] =>
  [...sums].map(([id, amount]) => ({ id, amount })).sort((a, b) => a.id - b.id)

/** The batch of leaves that are all at hand. */
export function buildBatch(
  router: Address,
  leaves: readonly UnpostedLeaf[],
  previous: { seq: bigint; hash: Hex },
  partLeaves?: number,
): NewBatch {
  const builder = createBuilder(router, previous, partLeaves)
  for (const leaf of leaves) builder.add(leaf)
  const building = builder.build()
  for (;;) {
    const { done, value } = building.next()
    if (done) return value
  }
}
