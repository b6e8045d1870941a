import type { Address } from 'viem'
import { AUDITED_ROLES, type AuditedRole, type Auditor, type ChainTotals } from '../audit.ts'
import { later } from '../errors.ts'
import { ROLE } from '../protocol/messages.ts'
import { computeLedgerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'
import { ledgerHistory } from './history.ts'

interface Place {
  chain: Chain
  ledger: Address
  router: Address
}

/** Reads of the chain that travel together. */
const CHUNK = 500

/**
 * What the ledger counts of a router in the state of one block.
 *
 * @param at  A block, and the router's newest batch by the events up to it.
 * @throws `chain.behind` (later) if the state of that block has another newest batch; `chain.unreachable` (later); what a
 *   node says that no longer has that state.
 */
export async function totalsAt(
  { chain, ledger, router }: Place,
  at: { block: bigint; seq: bigint },
  of: Pick<Auditor, 'payers' | 'payees'>,
): Promise<Omit<ChainTotals, 'skippedOf'>> {
  const blockNumber = at.block
  const books = { address: ledger, abi: computeLedgerAbi, blockNumber } as const
  const inOrder = async <K, V>(all: K[], read: (one: K) => Promise<V>): Promise<[K, V][]> => {
    const found: [K, V][] = []
    for (let from = 0; from < all.length; from += CHUNK) {
      const some = all.slice(from, from + CHUNK).map(async (one): Promise<[K, V]> => [one, await read(one)])
      found.push(...(await Promise.all(some)))
    }
    return found
  }
  try {
    const state = await chain.client.readContract({ ...books, functionName: 'routerOf', args: [router] })
    if (state.seq !== at.seq) throw behind(at.seq, state.seq)
    const gross = await inOrder([...of.payees()], ({ role, id }) =>
      chain.client.readContract({ ...books, functionName: 'grossOf', args: [router, ROLE[role], id] }),
    )
    const accounts = await inOrder([...of.payers()], (payer) =>
      chain.client.readContract({ ...books, functionName: 'accountOf', args: [router, payer] }),
    )
    const once = await paidOnce(chain, ledger, router, at.block)
    const grossOf = new Map(gross.map(([{ role, id }, amount]) => [`${role} ${id}`, amount]))
    const spentOf = new Map(accounts.map(([payer, { spent }]) => [payer.toLowerCase(), spent]))
    return {
      grossOf: (role, id) => grossOf.get(`${role} ${id}`) ?? 0n,
      paidOnceOf: (role, id) => once.get(`${role} ${id}`) ?? 0n,
      spentOf: (payer) => spentOf.get(payer.toLowerCase()) ?? 0n,
    }
  } catch (cause) {
    throw chainError(cause)
  }
}

const behind = (events: bigint, state: bigint) =>
  later(
    'chain.behind',
    `the chain tells events up to batch ${events}, and its state is that of batch ${state}`,
    {
      fix: 'Nodes behind the RPC URL stand at different blocks: try again, or ask one node.',
    },
  )

/**
 * What single payments through a router added to the gross of each payee, by role and number; no batch counts them.
 *
 * @param upTo  The last block that counts; all if absent.
 * @throws `chain.unreachable` (later).
 */
export async function paidOnce(
  chain: Chain,
  ledger: Address,
  router: Address,
  upTo?: bigint,
): Promise<ReadonlyMap<`${AuditedRole} ${number}`, bigint>> {
  const sums = new Map<`${AuditedRole} ${number}`, bigint>()
  for (const { args, blockNumber } of await ledgerHistory(chain, ledger, 'PaidOnce', { router })) {
    if (upTo !== undefined && blockNumber > upTo) continue
    for (const role of AUDITED_ROLES) {
      const payee = `${role} ${args[role]}` as const
      sums.set(payee, (sums.get(payee) ?? 0n) + args.price)
    }
  }
  return sums
}
