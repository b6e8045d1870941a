import { type Address, decodeFunctionData, type Hex } from 'viem'
import type { AuditedBatch, AuditedRole, ChainTotals } from '../audit.ts'
import { AUDITED_ROLES } from '../audit.ts'
import { asHeuristError, refused } from '../errors.ts'
import { unpackBatch } from '../protocol/batch.ts'
import { fromHex, keccak, toHex } from '../protocol/bytes.ts'
import { leafHash, merkleTree } from '../protocol/merkle.ts'
import type { Hasher } from '../protocol/messages.ts'
import { ROLE } from '../protocol/messages.ts'
import { batchDataSchema, type Leaf, type Place, payerOf } from '../settlement.ts'
import { createTransport, type Transport } from '../transport.ts'
import { computeLedgerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { type LedgerLog, ledgerHistory } from './history.ts'

export interface Published {
  batches: AuditedBatch[]
  totals: ChainTotals
  /** Of the chain's newest block, Unix seconds. */
  nowSeconds: number
}

/** Batch data that an auditor keeps, by its hash: who comes once a month has all of it for ever. */
export interface Archive {
  read(dataHash: Hex): Promise<Uint8Array | undefined>
  keep(dataHash: Hex, data: Uint8Array): Promise<void>
}

interface Where {
  chain: Chain
  ledger: Address
  router: Address
  routerUrl: string
  hasher: Hasher
  archive?: Archive
}

/** Told after each batch that was read. */
type Progress = (done: number, all: number) => void

/**
 * Everything that an audit of `router` needs: its settlements and totals from the chain, its published data from itself,
 * and from the archive what it no longer serves.
 *
 * @throws `chain.unreachable`, `router.unreachable` (later).
 */
export async function readPublished(where: Where, onProgress: Progress = () => {}): Promise<Published> {
  const { chain, ledger, router } = where
  const transport = createTransport(where.routerUrl)
  const events = await ledgerHistory(chain, ledger, 'BatchSettled', { router })
  const skips = await ledgerHistory(chain, ledger, 'LineSkipped', { router })
  const skipped = new Map<Address, bigint>()
  const batches: AuditedBatch[] = []
  for (const [index, event] of events.entries()) {
    const { seq, root, dataHash, gross } = event.args
    const { input } = await chain.client.getTransaction({ hash: event.transactionHash })
    const packed = fromHex(decodeFunctionData({ abi: computeLedgerAbi, data: input }).args?.[0] as Hex)
    const batch = unpackBatch(packed)
    const keys = await Promise.all(batch.payers.map((line) => payerOf(where, line)))
    for (const skip of skips.filter((one) => one.args.seq === seq)) {
      const line = Number(skip.args.index)
      add(skipped, keys[line], batch.payers[line]?.charge ?? 0n)
    }
    const charges = new Map<Address, bigint>()
    for (const [line, { charge }] of batch.payers.entries()) add(charges, keys[line], charge)
    const lines = {
      node: new Map(batch.nodes.map(({ id, amount }) => [id, amount])),
      pod: new Map(batch.pods.map(({ id, amount }) => [id, amount])),
      frontend: new Map(batch.frontends.map(({ id, amount }) => [id, amount])),
    }
    const published = await dataOf(where, transport, event)
    const leaves = leavesIn(published.data, router, seq)
    batches.push({ seq, root, dataHash, gross, charges, lines, ...published, leaves })
    onProgress(index + 1, events.length)
  }
  const { timestamp } = await chain.client.getBlock({ blockTag: 'latest' })
  return { batches, totals: await totalsOf(where, batches, skipped), nowSeconds: Number(timestamp) }
}

function add(sums: Map<Address, bigint>, payer: Address | undefined, amount: bigint): void {
  if (payer) sums.set(payer, (sums.get(payer) ?? 0n) + amount)
}

/** What the router serves of a batch; where it serves nothing that is the batch's, what was kept of it. */
async function dataOf(
  { chain, archive }: Where,
  transport: Transport,
  event: LedgerLog<'BatchSettled'>,
): Promise<Pick<AuditedBatch, 'data' | 'absent'>> {
  const { seq, dataHash } = event.args
  const isIts = (data: Uint8Array) => toHex(keccak(data)) === dataHash
  const kept = async () => {
    const data = await archive?.read(dataHash)
    return data && isIts(data) ? data : undefined
  }
  try {
    const data = await transport.bytes(`/v1/batches/${seq}`)
    if (isIts(data)) await archive?.keep(dataHash, data)
    return { data, absent: undefined }
  } catch (cause) {
    const { code, kind } = asHeuristError(cause)
    if (kind === 'later') throw cause
    const { timestamp } = await chain.client.getBlock({ blockNumber: event.blockNumber })
    const absent = { settledAt: Number(timestamp), forgotten: code === 'batch.forgotten' }
    return { data: await kept(), absent }
  }
}

function leavesIn(data: Uint8Array | undefined, router: Address, seq: bigint) {
  if (!data) return undefined
  try {
    const parsed = batchDataSchema.parse(JSON.parse(new TextDecoder().decode(data)))
    const isIts = parsed.router.toLowerCase() === router.toLowerCase() && parsed.seq === seq
    return isIts ? parsed.leaves : undefined
  } catch {
    return undefined
  }
}

/**
 * The newest settled leaf of a payer, looked for from the router's last batch down to the one after `after`.
 *
 * @returns undefined if there is none.
 * @throws `batch.unreadable` (refused) if the router does not show what it posted; `chain.unreachable`,
 * `router.unreachable` (later).
 */
export async function newestLeafOf(place: Place, payer: Address, after: bigint): Promise<Leaf | undefined> {
  const { chain, ledger, router, transport } = place
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const ask = <T>(read: Promise<T>): Promise<T> =>
    read.catch((cause: unknown) => {
      throw chainError(cause)
    })
  const head = await ask(chain.client.readContract({ ...books, functionName: 'routerOf', args: [router] }))
  for (let { seq } = head; seq > after; seq -= 1n) {
    const root = await ask(
      chain.client.readContract({ ...books, functionName: 'rootOf', args: [router, seq] }),
    )
    const data = await transport.bytes(`/v1/batches/${seq}`).catch((cause: unknown) => {
      if (asHeuristError(cause).kind === 'later') throw cause
      return undefined
    })
    const leaves = leavesIn(data, router, seq)
    if (!leaves || merkleTree(leaves.map((leaf) => leafHash(leaf))).root !== root) {
      throw refused('batch.unreadable', `the router does not show the leaves that it posted in batch ${seq}`)
    }
    const own = leaves.filter((leaf) => leaf.payer.toLowerCase() === payer.toLowerCase())
    if (own.length > 0) return own.reduce((a, b) => (b.charged > a.charged ? b : a))
  }
  return undefined
}

async function totalsOf(
  { chain, ledger, router }: { chain: Chain; ledger: Address; router: Address },
  batches: readonly AuditedBatch[],
  skipped: ReadonlyMap<Address, bigint>,
): Promise<ChainTotals> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const leaves = batches.flatMap((batch) => batch.leaves ?? [])
  const gross = new Map<string, bigint>()
  const spent = new Map<string, bigint>()
  for (const role of AUDITED_ROLES) {
    const posted = batches.flatMap((batch) => [...batch.lines[role].keys()])
    const ids = [...new Set([...posted, ...leaves.map((leaf) => leaf[role])])]
    const figures = await Promise.all(
      ids.map((id) =>
        chain.client.readContract({ ...books, functionName: 'grossOf', args: [router, ROLE[role], id] }),
      ),
    )
    for (const [index, id] of ids.entries()) gross.set(`${role} ${id}`, figures[index] ?? 0n)
  }
  const charged = batches.flatMap((batch) => [...batch.charges.keys()])
  const payers = [...new Set([...charged, ...leaves.map((leaf) => leaf.payer.toLowerCase() as Address)])]
  const accounts = await Promise.all(
    payers.map((payer) =>
      chain.client.readContract({ ...books, functionName: 'accountOf', args: [router, payer] }),
    ),
  )
  for (const [index, payer] of payers.entries()) spent.set(payer, accounts[index]?.spent ?? 0n)
  const once = await paidOnce(chain, ledger, router)
  const at = <K>(map: ReadonlyMap<K, bigint>, key: K) => map.get(key) ?? 0n
  return {
    grossOf: (role: AuditedRole, id) => at(gross, `${role} ${id}`),
    paidOnceOf: (role: AuditedRole, id) => at(once, `${role} ${id}`),
    spentOf: (payer) => at(spent, payer.toLowerCase()),
    skippedOf: (payer) => at(skipped, payer.toLowerCase() as Address),
  }
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
