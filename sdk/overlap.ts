import type { Address, Hex } from 'viem'
import { receiptDocumentSchema } from './documents.ts'
import { asHeuristError } from './errors.ts'
import { type Leaf, PAYEE_ROLES, type PayeeRole, type Place } from './settlement.ts'

/** Leaves whose receipts are asked for, at most: calls that cost nothing are few between two that cost something. */
const MOST_ASKED = 8

/** Of one payee: other calls that may take of a call's part of its gross. */
export interface Nearby {
  /** Their leaves end inside the part and charge nothing, or nobody knows what: at most one more than are asked for. */
  inside: Leaf[]
  /** One that cost something, ends inside the part or beyond it, and begins before its end. */
  across: Leaf | undefined
  /** One that charges its payer less than the leaf before it, or than nothing: an honest router lists none. */
  falls: Leaf | undefined
  /** Whether of each that ends beyond the part it is known where it begins. */
  isWhole: boolean
}

interface Asked {
  /** Lower case. */
  request: Hex
  leaf: Leaf
  /** Of the call, base units. */
  price: bigint
  /** What the batch charges each payer, lower case: nobody else's leaves are remembered. */
  charges: ReadonlyMap<Address, bigint>
}

/** Of a payer, as far as leaves were read, and its first one, if that shares a payee with the call and ends in or beyond its part. */
interface Run {
  from: bigint
  to: bigint
  first: { leaf: Leaf; roles: PayeeRole[] } | undefined
}

/**
 * Looks for calls that share a part of a payee's gross with one call, leaf by leaf. What a leaf cost is what its payer was
 * charged more than by the one before; what a payer's first one cost is what is left of its line. A receipt alone does not
 * tell: a router can make one up that says that a call was free.
 */
export function createNeighbours({ request, leaf, price, charges }: Asked) {
  const runs = new Map<Address, Run>()
  const nearby = { node: none(), pod: none(), frontend: none() }
  const end = (role: PayeeRole) => leaf[`${role}Gross`]
  const isBeyond = (each: Leaf, role: PayeeRole) => each[`${role}Gross`] > end(role)

  function reach(each: Leaf, cost: bigint, roles: readonly PayeeRole[]): void {
    for (const role of roles) {
      if (cost < 0n) nearby[role].falls ??= each
      else if (isBeyond(each, role) || cost > 0n) {
        if (each[`${role}Gross`] - cost < end(role)) nearby[role].across ??= each
      } else if (nearby[role].inside.length <= MOST_ASKED) nearby[role].inside.push(each)
    }
  }

  function unknown(each: Leaf, roles: readonly PayeeRole[]): void {
    for (const role of roles) {
      if (isBeyond(each, role)) nearby[role].isWhole = false
      else if (nearby[role].inside.length <= MOST_ASKED) nearby[role].inside.push(each)
    }
  }

  return {
    add(each: Leaf): void {
      const payer = each.payer.toLowerCase() as Address
      const roles =
        each.request === request
          ? []
          : PAYEE_ROLES.filter(
              (role) => each[role] === leaf[role] && each[`${role}Gross`] > end(role) - price,
            )
      if (!charges.has(payer)) return unknown(each, roles)
      const run = runs.get(payer)
      if (run) reach(each, each.charged - run.to, roles)
      const first = roles.length > 0 ? { leaf: each, roles } : undefined
      runs.set(payer, run ? { ...run, to: each.charged } : { from: each.charged, to: each.charged, first })
    },
    end(): Record<PayeeRole, Nearby> {
      for (const [payer, { from, to, first }] of runs)
        if (first) reach(first.leaf, (charges.get(payer) ?? 0n) - (to - from), first.roles)
      return nearby
    },
  }
}

const none = (): Nearby => ({ inside: [], across: undefined, falls: undefined, isWhole: true })

/** The call that takes of another one's part of a payee's gross, and whether all that might were looked at. */
export interface Overlap {
  leaf: Leaf | undefined
  isWhole: boolean
}

/**
 * Two calls must not share a part of a payee's gross: the payee would be credited once for both. Only a call that cost
 * nothing ends where another did: it charges nothing, and its receipt says so as well.
 *
 * @throws `router.unreachable` (later).
 */
export async function overlapOf(
  place: Pick<Place, 'transport' | 'hasher'>,
  { inside, across, isWhole }: Omit<Nearby, 'falls'>,
): Promise<Overlap> {
  if (across) return { leaf: across, isWhole: true }
  for (const leaf of inside.slice(0, MOST_ASKED)) {
    if (!(await wasFree(place, leaf))) return { leaf, isWhole: true }
  }
  return { leaf: undefined, isWhole: isWhole && inside.length <= MOST_ASKED }
}

async function wasFree(
  { transport, hasher }: Pick<Place, 'transport' | 'hasher'>,
  leaf: Leaf,
): Promise<boolean> {
  try {
    const { receipt } = await transport.get(`/v1/receipts/${leaf.request}`, receiptDocumentSchema)
    return receipt?.price === 0n && hasher.struct('Receipt', receipt) === leaf.receipt
  } catch (cause) {
    if (asHeuristError(cause).kind === 'later') throw cause
    return false
  }
}
