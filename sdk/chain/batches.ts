import { type Address, decodeFunctionData, type Hex } from 'viem'
import {
  AUDITED_ROLES,
  type Audit,
  type AuditedBatch,
  type AuditedRole,
  type Auditor,
  type ChainTotals,
  createAuditor,
  type OpenBatch,
  type Place,
} from '../audit.ts'
import { asHeuristError, refused } from '../errors.ts'
import { createRooter, openData } from '../leaves.ts'
import { unpackBatch } from '../protocol/batch.ts'
import { fromHex, type Keccak } from '../protocol/bytes.ts'
import { type Leaf, treeOf } from '../protocol/merkle.ts'
import { type Hasher, ROLE } from '../protocol/messages.ts'
import { payerOf } from '../settlement.ts'
import { computeLedgerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { type LedgerLog, ledgerHistory } from './history.ts'
import { type Archive, createServed, type Served } from './published.ts'

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

/** Told after each part of a batch that was read: batches before this one and in all, parts of it so far and in all. */
export type Progress = (batches: { done: number; all: number }, parts: { done: number; all: number }) => void

export interface Audited {
  audit: Audit
  /** Reads the batch of a place again: its leaf and the proof of it. */
  leafAt(place: Place): Promise<{ leaf: Leaf; proof: Hex[] }>
}

type Settled = LedgerLog<'BatchSettled'>

/**
 * Audits `router`: its settlements and totals come from the chain, its published data from itself, and from the archive
 * what it does not serve: nothing that a router answers, or leaves unanswered, ends the audit. Parts are read one by one.
 *
 * @throws `chain.unreachable` (later).
 */
export async function auditRouter(where: Where, onProgress: Progress = () => {}): Promise<Audited> {
  const { chain, ledger, router } = where
  const served = createServed(where)
  const events = await ledgerHistory(chain, ledger, 'BatchSettled', { router })
  const skips = await ledgerHistory(chain, ledger, 'LineSkipped', { router })
  const skipped = new Map<Address, bigint>()
  const { timestamp } = await chain.client.getBlock({ blockTag: 'latest' })
  const auditor = createAuditor(Number(timestamp), where.keccak)
  for (const [index, event] of events.entries()) {
    const { batch, keys, charges } = await linesOf(where, event)
    for (const skip of skips.filter((one) => one.args.seq === batch.seq)) {
      const line = Number(skip.args.index)
      add(skipped, keys[line], charges[line] ?? 0n)
    }
    const batches = { done: index, all: events.length }
    await readLeaves(where, served, event, auditor.open(batch), (parts) => onProgress(batches, parts))
  }
  return {
    audit: auditor.end(await totalsOf(where, auditor, skipped)),
    leafAt: (place) => leafAt(where, served, events, place),
  }
}

/** The chain's word of one settlement. */
async function linesOf(
  where: Where,
  event: Settled,
): Promise<{ batch: AuditedBatch; keys: (Address | undefined)[]; charges: bigint[] }> {
  const { seq, root, gross } = event.args
  const { input } = await where.chain.client.getTransaction({ hash: event.transactionHash })
  const packed = fromHex(decodeFunctionData({ abi: computeLedgerAbi, data: input }).args?.[0] as Hex)
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

async function leafAt(
  where: Where,
  served: Served,
  events: readonly Settled[],
  { seq, index }: Place,
): Promise<{ leaf: Leaf; proof: Hex[] }> {
  const event = events.find(({ args }) => args.seq === seq)
  if (!event) throw refused('batch.unknown', `no batch ${seq}`)
  const documents = served.of(event)
  const data = await openData(documents, event.args, where.keccak)
  const rooter = createRooter(where.keccak)
  let [leaf, before]: [Leaf | undefined, number] = [undefined, 0]
  for await (const leaves of data.parts()) {
    leaf ??= leaves[index - before]
    before += leaves.length
    rooter.add(leaves)
  }
  if (!leaf) throw refused('leaf.missing', `no leaf ${index} in batch ${seq}`)
  return { leaf, proof: treeOf(rooter.nodes()).proof(index) }
}

async function totalsOf(
  { chain, ledger, router }: Where,
  auditor: Auditor,
  skipped: ReadonlyMap<Address, bigint>,
): Promise<ChainTotals> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const gross = new Map<string, bigint>()
  for (const payees of chunksOf([...auditor.payees()])) {
    const figures = await Promise.all(
      payees.map(({ role, id }) =>
        chain.client.readContract({ ...books, functionName: 'grossOf', args: [router, ROLE[role], id] }),
      ),
    )
    for (const [index, { role, id }] of payees.entries()) gross.set(`${role} ${id}`, figures[index] ?? 0n)
  }
  const spent = new Map<Address, bigint>()
  for (const payers of chunksOf([...auditor.payers()])) {
    const accounts = await Promise.all(
      payers.map((payer) =>
        chain.client.readContract({ ...books, functionName: 'accountOf', args: [router, payer] }),
      ),
    )
    for (const [index, payer] of payers.entries()) spent.set(payer, accounts[index]?.spent ?? 0n)
  }
  const once = await paidOnce(chain, ledger, router)
  const at = <K>(map: ReadonlyMap<K, bigint>, key: K) => map.get(key) ?? 0n
  return {
    grossOf: (role: AuditedRole, id) => at(gross, `${role} ${id}`),
    paidOnceOf: (role: AuditedRole, id) => at(once, `${role} ${id}`),
    spentOf: (payer) => at(spent, payer.toLowerCase() as Address),
    skippedOf: (payer) => at(skipped, payer.toLowerCase() as Address),
  }
}

/** Reads of the chain that travel together. */
const CHUNK = 500

function* chunksOf<T>(all: readonly T[]): Generator<T[]> {
  for (let at = 0; at < all.length; at += CHUNK) yield all.slice(at, at + CHUNK)
}

/**
 * What single payments through a router added to the gross of each payee, by role and number; no batch counts them.
 *
 * @throws `chain.unreachable` (later).
 */
export async function paidOnce(
  chain: Chain,
  ledger: Address,
  router: Address,
): Promise<ReadonlyMap<`${AuditedRole} ${number}`, bigint>> {
  const sums = new Map<`${AuditedRole} ${number}`, bigint>()
  for (const { args } of await ledgerHistory(chain, ledger, 'PaidOnce', { router })) {
    for (const role of AUDITED_ROLES) {
      const payee = `${role} ${args[role]}` as const
      sums.set(payee, (sums.get(payee) ?? 0n) + args.price)
    }
  }
  return sums
}
