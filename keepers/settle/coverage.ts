import type { Address } from 'viem'
import type { UnpostedLeaf } from '../router/ledger/ledger.ts'
import type { ChainAccount } from '../world.ts'

/** A payer whose line the ledger would skip, and what the float would pay for it, base units. */
export interface Uncovered {
  payer: Address
  reason: 'no_voucher' | 'expired' | 'over_ceiling' | 'over_deposit'
  charge: bigint
}

export interface Coverage {
  /** How many leaves, in order, payers and float pay for. */
  count: number
  /** Lines of those that the float pays. */
  uncovered: Uncovered[]
  floatUsed: bigint
  /** What the float lacks for the leaf after them; 0 if all are paid for. */
  missing: bigint
}

/**
 * Who pays for a batch of these leaves, before it is signed: the rules of `ComputeLedger.settle`, line by line. Pure.
 *
 * @param accounts  What every payer of the leaves has on chain.
 * @param nowSeconds  The chain's time, or later.
 */
export function coverageOf(
  leaves: readonly UnpostedLeaf[],
  accounts: ReadonlyMap<Address, Pick<ChainAccount, 'deposited' | 'spent'>>,
  float: bigint,
  nowSeconds: number,
): Coverage {
  const charges = new Map<Address, bigint>()
  const uncovered = new Map<Address, Uncovered>()
  let floatUsed = 0n
  for (const [count, { body, price, voucher }] of leaves.entries()) {
    const { payer } = body
    const before = uncovered.get(payer)?.charge ?? 0n
    const charge = (charges.get(payer) ?? 0n) + price
    const reason = reasonOf(voucher, accounts.get(payer), charge, nowSeconds)
    const used = floatUsed - before + (reason ? charge : 0n)
    if (used > float) return { count, uncovered: [...uncovered.values()], floatUsed, missing: used - float }
    charges.set(payer, charge)
    floatUsed = used
    if (reason) uncovered.set(payer, { payer, reason, charge })
  }
  return { count: leaves.length, uncovered: [...uncovered.values()], floatUsed, missing: 0n }
}

function reasonOf(
  voucher: UnpostedLeaf['voucher'],
  account: Pick<ChainAccount, 'deposited' | 'spent'> | undefined,
  charge: bigint,
  nowSeconds: number,
): Uncovered['reason'] | undefined {
  if (!voucher) return 'no_voucher'
  if (nowSeconds > voucher.expiry) return 'expired'
  const spent = (account?.spent ?? 0n) + charge
  if (spent > voucher.ceiling) return 'over_ceiling'
  return spent > (account?.deposited ?? 0n) ? 'over_deposit' : undefined
}
