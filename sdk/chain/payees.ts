import type { Address } from 'viem'
import { ROLE, type Role } from '../protocol/messages.ts'
import { computeLedgerAbi, registryAbi } from './abi.ts'
import { type Call, caller } from './call.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** What a payee may draw of one router, base units. */
export interface Claimable {
  role: Role
  id: number
  payout: Address
  claimable: bigint
  claimed: bigint
  gross: bigint
}

const ledgerCall = caller(computeLedgerAbi)
const ROLES = ['node', 'pod', 'frontend'] as const
/** Ids that are read in one go. */
const STEP = 200

/** The Registry's entries that `account` owns or is paid for. */
export async function entriesOf(
  chain: Chain,
  registry: Address,
  account: Address,
): Promise<{ role: Role; id: number }[]> {
  const people = { address: registry, abi: registryAbi } as const
  const mine: { role: Role; id: number }[] = []
  for (const role of ROLES) {
    const count = await ask(() =>
      chain.client.readContract({ ...people, functionName: 'countOf', args: [ROLE[role]] }),
    )
    for (let first = 1; first <= count; first += STEP) {
      const ids = Array.from({ length: Math.min(STEP, count - first + 1) }, (_, index) => first + index)
      const entries = await ask(() =>
        Promise.all(
          ids.map((id) =>
            chain.client.readContract({ ...people, functionName: 'entryOf', args: [ROLE[role], id] }),
          ),
        ),
      )
      entries.forEach(({ owner, payout }, index) => {
        const isMine = [owner, payout].some((one) => one.toLowerCase() === account.toLowerCase())
        if (isMine) mine.push({ role, id: ids[index] ?? 0 })
      })
    }
  }
  return mine
}

/** What each of the payees may draw of `router` now. */
export function claimablesOf(
  chain: Chain,
  { ledger, registry }: { ledger: Address; registry: Address },
  router: Address,
  payees: readonly { role: Role; id: number }[],
): Promise<Claimable[]> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  return ask(() =>
    Promise.all(
      payees.map(async ({ role, id }) => {
        const args = [router, ROLE[role], id] as const
        const [claimable, claimed, gross, payout] = await Promise.all([
          chain.client.readContract({ ...books, functionName: 'claimable', args }),
          chain.client.readContract({ ...books, functionName: 'claimedOf', args }),
          chain.client.readContract({ ...books, functionName: 'grossOf', args }),
          chain.client.readContract({
            address: registry,
            abi: registryAbi,
            functionName: 'payoutOf',
            args: [ROLE[role], id],
          }),
        ])
        return { role, id, payout, claimable, claimed, gross }
      }),
    ),
  )
}

/** What pays those of them that have something to draw, one call per role. Anyone may send these. */
export function claimCalls(ledger: Address, router: Address, payees: readonly Claimable[]): Call[] {
  return ROLES.flatMap((role) => {
    const ids = payees.filter((each) => each.role === role && each.claimable > 0n).map(({ id }) => id)
    return ids.length === 0 ? [] : [ledgerCall(ledger, 'claim', [router, ROLE[role], ids])]
  })
}

async function ask<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw chainError(cause)
  }
}
