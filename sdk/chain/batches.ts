import type { Address, Hex } from 'viem'
import {
  AUDITED_ROLES,
  type Audit,
  type AuditedBatch,
  type Auditor,
  createAuditor,
  type OpenBatch,
  type Place,
  type UnreadBatch,
} from '../audit.ts'
import { asHeuristError, type HeuristError, refused } from '../errors.ts'
import { createRooter, openData } from '../leaves.ts'
import { unpackBatch } from '../protocol/batch.ts'
import type { Keccak } from '../protocol/bytes.ts'
import { partPath, readPart } from '../protocol/data.ts'
import { type Leaf, treeOf } from '../protocol/merkle.ts'
import type { Hasher } from '../protocol/messages.ts'
import { payerOf } from '../settlement.ts'
import { packedBatchIn } from './calldata.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { type LedgerLog, ledgerHistory } from './history.ts'
import { type Archive, createServed, type Served } from './published.ts'
import { totalsAt } from './totals.ts'

export interface Where {
  chain: Chain
  ledger: Address
  router: Address
  routerUrl: string
  hasher: Hasher
  archive?: Archive
  /** A faster keccak than the portable one. */
  keccak?: Keccak
}

export type { Archive } from './published.ts'
export { paidOnce } from './totals.ts'

/** Told after each part of a batch that was read: batches before this one and in all, parts of it so far and in all. */
export type Progress = (batches: { done: number; all: number }, parts: { done: number; all: number }) => void

export interface Audited {
  audit: Audit
  /** Reads the batch of a place again, once for the leaves of two batches: its leaf and the proof of it. */
  leafAt(place: Place): Promise<{ leaf: Leaf; proof: Hex[] }>
}

type Settled = LedgerLog<'BatchSettled'>

/**
 * Audits `router`: its settlements and totals come from the chain, all of one block; its published data from itself, and
 * from the archive what it does not serve: nothing that a router answers, or leaves unanswered, ends the audit. Parts are
 * read one by one.
 *
 * @throws `chain.unreachable` (later).
 */
export async function auditRouter(where: Where, onProgress: Progress = () => {}): Promise<Audited> {
  const served = createServed(where)
  const first = await settledBy(where, 0n)
  const auditor = createAuditor(first.second, where.keccak)
  const skipped = new Map<Address, bigint>()
  const events: Settled[] = []

  async function readBatches({ settled, skips }: Books): Promise<void> {
    const all = events.length + settled.length
    for (const event of settled) {
      const { batch, keys, charges } = await linesOf(where, event)
      for (const skip of skips.filter((one) => one.args.seq === event.args.seq)) {
        const line = Number(skip.args.index)
        add(skipped, keys[line], charges[line] ?? 0n)
      }
      const batches = { done: events.length, all }
      events.push(event)
      await readLeaves(where, served, event, auditor.open(batch), (parts) => onProgress(batches, parts))
    }
  }

  await readBatches(first)
  let totals = await totalsAt(where, first, auditor).catch(() => undefined)
  // A node that keeps no state so old: up to a block of this moment, and its totals before the router is asked again.
  for (let round = 1; !totals; round += 1) {
    const more = await settledBy(where, events.at(-1)?.args.seq ?? 0n)
    const batches = await Promise.all(more.settled.map(async (event) => (await linesOf(where, event)).batch))
    totals = await totalsAt(where, more, withLines(auditor, batches)).catch((cause: unknown) => {
      if (round === ROUNDS) throw cause
      return undefined
    })
    await readBatches(more)
  }
  const skippedOf = (payer: Address) => skipped.get(payer.toLowerCase() as Address) ?? 0n
  return {
    audit: auditor.end({ ...totals, skippedOf }),
    leafAt: createProver(where, served, events),
  }
}

/** How often the chain is read anew before its error is told. */
const ROUNDS = 3

/** What the ledger wrote of a router up to one block. */
interface Books {
  block: bigint
  /** Of the block, Unix seconds. */
  second: number
  /** Number of the router's newest batch. */
  seq: bigint
  settled: Settled[]
  skips: LedgerLog<'LineSkipped'>[]
}

/** @param after  The last batch that is not wanted. */
async function settledBy({ chain, ledger, router }: Where, after: bigint): Promise<Books> {
  await chain.check()
  const { number: block, timestamp } = await chain.client.getBlock({ blockTag: 'latest' }).catch((cause) => {
    throw chainError(cause)
  })
  const isWanted = ({ blockNumber, args }: { blockNumber: bigint; args: { seq: bigint } }) =>
    blockNumber <= block && args.seq > after
  const settled = (await ledgerHistory(chain, ledger, 'BatchSettled', { router })).filter(isWanted)
  const skips = (await ledgerHistory(chain, ledger, 'LineSkipped', { router })).filter(isWanted)
  return { block, second: Number(timestamp), seq: settled.at(-1)?.args.seq ?? after, settled, skips }
}

/** Whose totals an auditor compares, with those of batches that it has not read. */
function withLines(
  auditor: Auditor,
  unaudited: readonly (AuditedBatch | UnreadBatch)[],
): Pick<Auditor, 'payers' | 'payees'> {
  const batches = unaudited.filter((batch): batch is AuditedBatch => !('unread' in batch))
  const payees = batches.flatMap(({ lines }) =>
    AUDITED_ROLES.flatMap((role) => [...lines[role].keys()].map((id) => ({ role, id }))),
  )
  return {
    payers: () => [...auditor.payers(), ...batches.flatMap(({ charges }) => [...charges.keys()])],
    payees: () => [...auditor.payees(), ...payees],
  }
}

interface Lines {
  batch: AuditedBatch | UnreadBatch
  keys: (Address | undefined)[]
  charges: bigint[]
}

/** The chain's word of one settlement; of one whose bytes are not in its transaction, what its event says. */
async function linesOf(where: Where, event: Settled): Promise<Lines> {
  const { seq, root, gross } = event.args
  const { input } = await where.chain.client
    .getTransaction({ hash: event.transactionHash })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  const packed = bytesOf(event, input, where.keccak)
  if (!(packed instanceof Uint8Array))
    return { batch: { seq, root, gross, unread: packed.message }, keys: [], charges: [] }
  const { payers, nodes, pods, frontends } = unpackBatch(packed)
  const keys = await Promise.all(payers.map((line) => payerOf(where, line)))
  const charges = new Map<Address, bigint>()
  for (const [line, { charge }] of payers.entries()) add(charges, keys[line], charge)
  const lines = {
    node: new Map(nodes.map(({ id, amount }) => [id, amount])),
    pod: new Map(pods.map(({ id, amount }) => [id, amount])),
    frontend: new Map(frontends.map(({ id, amount }) => [id, amount])),
  }
  return { batch: { seq, root, gross, charges, lines }, keys, charges: payers.map(({ charge }) => charge) }
}

function bytesOf({ transactionHash, args }: Settled, input: Hex, hash?: Keccak): Uint8Array | HeuristError {
  try {
    return packedBatchIn(transactionHash, input, args, hash)
  } catch (cause) {
    const error = asHeuristError(cause)
    if (error.code !== 'batch.unreadable') throw cause
    return error
  }
}

function add(sums: Map<Address, bigint>, payer: Address | undefined, amount: bigint): void {
  if (payer) sums.set(payer, (sums.get(payer) ?? 0n) + amount)
}

async function readLeaves(
  where: Where,
  served: Served,
  event: Settled,
  open: OpenBatch,
  onPart: (parts: { done: number; all: number }) => void,
): Promise<void> {
  const documents = served.of(event, open)
  try {
    const data = await openData(documents, event.args, where.keccak)
    const parts = { done: 0, all: data.index.parts.length }
    for await (const leaves of data.parts()) {
      open.add(leaves)
      parts.done += 1
      onPart(parts)
    }
  } catch (cause) {
    const { code, kind, message } = asHeuristError(cause)
    // The router's errors are all `refused` here: these are of the chain, of the archive, or ours.
    if (kind === 'later' || kind === 'bug') throw cause
    const isWrong = code === 'data.hash_wrong' || code === 'data.unreadable'
    return open.abandon(isWrong ? { code, detail: message } : undefined)
  }
  open.close()
}

/** Trees that are kept while leaves are proved: of the two batches of an overlap. */
const TREES = 2

/** Reads each batch whole once, however many of its leaves are proved, and then the part that a leaf stands in. */
function createProver(where: Where, served: Served, events: readonly Settled[]): Audited['leafAt'] {
  const opened = new Map<bigint, ReturnType<typeof open>>()

  async function open(seq: bigint) {
    const event = events.find(({ args }) => args.seq === seq)
    if (!event) throw refused('batch.unknown', `no batch ${seq}`)
    const documents = served.of(event)
    const data = await openData(documents, event.args, where.keccak)
    const rooter = createRooter(where.keccak)
    for await (const leaves of data.parts()) rooter.add(leaves)
    return { named: data.index, documents, tree: treeOf(rooter.nodes()) }
  }

  return async ({ seq, index }) => {
    const batch = opened.get(seq) ?? open(seq)
    opened.delete(seq)
    opened.set(seq, batch)
    for (const oldest of [...opened.keys()].slice(0, -TREES)) opened.delete(oldest)
    const { named, documents, tree } = await batch
    const part = Math.floor(index / named.partLeaves)
    const hash = named.parts[part]
    const leaves = hash && readPart(await documents(partPath(seq, part), hash), named, part, where.keccak)
    const leaf = leaves?.[index % named.partLeaves]
    if (!leaf) throw refused('leaf.missing', `no leaf ${index} in batch ${seq}`)
    return { leaf, proof: tree.proof(index) }
  }
}
