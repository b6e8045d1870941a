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

/** What a payer has on chain. */
type Account = Pick<ChainAccount, 'deposited' | 'spent'>

/** Counts who pays for a batch, leaf by leaf. */
export interface Cover {
  /** Whether payers and float pay for the next leaf as well; after the first that they do not, none is asked about. */
  add(leaf: Pick<UnpostedLeaf, 'body' | 'price' | 'voucher'>): boolean
  now(): Coverage
}

/**
 * Who pays for a batch before it is signed: the rules of `ComputeLedger.settle`, line by line. A payer's newest voucher
 * counts for its whole line.
 *
 * @param accountOf  What a payer of a leaf has on chain.
 * @param nowSeconds  The chain's time, or later.
 */
export function createCover(
  accountOf: (payer: Address) => Account | undefined,
  float: bigint,
  nowSeconds: number,
): Cover {
  const charges = new Map<Address, bigint>()
  const uncovered = new Map<Address, Uncovered>()
  let [count, floatUsed, missing] = [0, 0n, 0n]
  return {
    add({ body: { payer }, price, voucher }) {
      const before = uncovered.get(payer)?.charge ?? 0n
      const charge = (charges.get(payer) ?? 0n) + price
      const reason = reasonOf(voucher, accountOf(payer), charge, nowSeconds)
      const used = floatUsed - before + (reason ? charge : 0n)
      if (used > float) {
        missing = used - float
        return false
      }
      charges.set(payer, charge)
      floatUsed = used
      if (reason) uncovered.set(payer, { payer, reason, charge })
      else uncovered.delete(payer)
      count += 1
      return true
    },
    now: () => ({ count, uncovered: [...uncovered.values()], floatUsed, missing }),
  }
}

/** Who pays for a batch of these leaves. */
export function coverageOf(
  leaves: readonly UnpostedLeaf[],
  accounts: ReadonlyMap<Address, Account>,
  float: bigint,
  nowSeconds: number,
): Coverage {
  const cover = createCover((payer) => accounts.get(payer), float, nowSeconds)
  leaves.every((leaf) => cover.add(leaf))
  return cover.now()
}

function reasonOf(
  voucher: UnpostedLeaf['voucher'],
  account: Account | undefined,
  charge: bigint,
  nowSeconds: number,
): Uncovered['reason'] | undefined {
  if (!voucher) return 'no_voucher'
  if (nowSeconds > voucher.expiry) return 'expired'
  const spent = (account?.spent ?? 0n) + charge
  if (spent > voucher.ceiling) return 'over_ceiling'
  return spent > (account?.deposited ?? 0n) ? 'over_deposit' : undefined
}
