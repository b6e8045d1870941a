import { type Address, decodeFunctionData, type Hex } from 'viem'
import type { AuditedBatch, AuditedRole, ChainTotals } from '../audit.ts'
import { AUDITED_ROLES } from '../audit.ts'
import { asHeuristError } from '../errors.ts'
import { unpackBatch } from '../protocol/batch.ts'
import { fromHex } from '../protocol/bytes.ts'
import type { Hasher } from '../protocol/messages.ts'
import { ROLE } from '../protocol/messages.ts'
import { recoverSigner } from '../recover.ts'
import { batchDataSchema } from '../settlement.ts'
import { createTransport } from '../transport.ts'
import { computeLedgerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { ledgerHistory } from './history.ts'

export interface Published {
  batches: AuditedBatch[]
  totals: ChainTotals
}

/** Told after each batch that was read. */
type Progress = (done: number, all: number) => void

/**
 * Everything that an audit of `router` needs: its settlements and totals from the chain, its published data from itself.
 *
 * @throws `chain.unreachable`, `router.unreachable` (later).
 */
export async function readPublished(
  where: { chain: Chain; ledger: Address; router: Address; routerUrl: string; hasher: Hasher },
  onProgress: Progress = () => {},
): Promise<Published> {
  const { chain, ledger, router } = where
  const transport = createTransport(where.routerUrl)
  const events = await ledgerHistory(chain, ledger, 'BatchSettled', { router })
  const skips = await ledgerHistory(chain, ledger, 'LineSkipped', { router })
  const skipped = new Map<string, bigint>()
  const batches: AuditedBatch[] = []
  for (const [index, event] of events.entries()) {
    const { seq, root, dataHash, gross } = event.args
    const { input } = await chain.client.getTransaction({ hash: event.transactionHash })
    const packed = fromHex(decodeFunctionData({ abi: computeLedgerAbi, data: input }).args?.[0] as Hex)
    const batch = unpackBatch(packed)
    for (const skip of skips.filter((one) => one.args.seq === seq)) {
      const line = batch.payers[Number(skip.args.index)]
      if (!line) continue
      const voucher = { router, ceiling: line.ceiling, expiry: line.expiry, request: line.request }
      const key = await recoverSigner(where.hasher.digest('Voucher', voucher), `${line.r}${line.vs.slice(2)}`)
      const payer = key?.toLowerCase() ?? ''
      skipped.set(payer, (skipped.get(payer) ?? 0n) + line.charge)
    }
    const data = await transport.bytes(`/v1/batches/${seq}`).catch((cause: unknown) => {
      if (asHeuristError(cause).kind === 'later') throw cause
      return undefined
    })
    const lines = {
      node: new Map(batch.nodes.map(({ id, amount }) => [id, amount])),
      pod: new Map(batch.pods.map(({ id, amount }) => [id, amount])),
      frontend: new Map(batch.frontends.map(({ id, amount }) => [id, amount])),
    }
    batches.push({ seq, root, dataHash, gross, lines, data, leaves: leavesIn(data, router, seq) })
    onProgress(index + 1, events.length)
  }
  return { batches, totals: await totalsOf(where, batches, skipped) }
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

async function totalsOf(
  { chain, ledger, router }: { chain: Chain; ledger: Address; router: Address },
  batches: readonly AuditedBatch[],
  skipped: ReadonlyMap<string, bigint>,
): Promise<ChainTotals> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const leaves = batches.flatMap((batch) => batch.leaves ?? [])
  const gross = new Map<string, bigint>()
  const spent = new Map<string, bigint>()
  for (const role of AUDITED_ROLES) {
    const ids = [...new Set(leaves.map((leaf) => leaf[role]))]
    const figures = await Promise.all(
      ids.map((id) =>
        chain.client.readContract({ ...books, functionName: 'grossOf', args: [router, ROLE[role], id] }),
      ),
    )
    for (const [index, id] of ids.entries()) gross.set(`${role} ${id}`, figures[index] ?? 0n)
  }
  const payers = [...new Set(leaves.map((leaf) => leaf.payer.toLowerCase() as Address))]
  const accounts = await Promise.all(
    payers.map((payer) =>
      chain.client.readContract({ ...books, functionName: 'accountOf', args: [router, payer] }),
    ),
  )
  for (const [index, payer] of payers.entries()) spent.set(payer, accounts[index]?.spent ?? 0n)
  const once = await paidOnce(chain, ledger, router)
  const at = (map: ReadonlyMap<string, bigint>, key: string) => map.get(key) ?? 0n
  return {
    grossOf: (role: AuditedRole, id) => at(gross, `${role} ${id}`),
    paidOnceOf: (role: AuditedRole, id) => at(once, `${role} ${id}`),
    spentOf: (payer) => at(spent, payer.toLowerCase()),
    skippedOf: (payer) => at(skipped, payer.toLowerCase()),
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
