import { type Address, type Hex, zeroAddress } from 'viem'
import { BPS } from '../protocol/emission.ts'
import { ROLE } from '../protocol/messages.ts'
import { computeLedgerAbi, emissionControllerAbi, registryAbi, voteControllerAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import type { Economy } from './economy.ts'
import { readClock } from './epochs.ts'
import { chainError } from './errors.ts'
import { type Claimable, claimablesOf } from './payees.ts'
import { BALLOT } from './votes.ts'

/** What the chain knows of a node, a pod or a frontend, and what it earned. Base units, basis points, epochs. */

type PayeeRole = 'node' | 'pod' | 'frontend'

/** Gross of a payee's calls that a router settled in one epoch, and its share of it, rounded down. */
export interface EpochRevenue {
  epoch: number
  gross: bigint
  share: bigint
}

export interface EntryState extends Claimable {
  owner: Address
  /** Whether it counts in the present epoch. */
  isActive: boolean
  /** Of a pod: the hash of its newest manifest. */
  meta: Hex
  /** The present epoch. */
  epoch: number
  /** Newest first; the present epoch is the first. */
  revenue: EpochRevenue[]
}

/**
 * @param epochs  How many, back from the present one.
 * @returns undefined if the Registry has no such entry.
 * @throws `chain.unreachable` (later).
 */
export async function readEntry(
  chain: Chain,
  { ledger, registry }: { ledger: Address; registry: Address },
  router: Address,
  { role, id, epochs }: { role: PayeeRole; id: number; epochs: number },
): Promise<EntryState | undefined> {
  const people = { address: registry, abi: registryAbi } as const
  const { epoch } = await readClock(chain)
  return asked(async () => {
    const [{ owner, meta }, isActive, [money], revenue] = await Promise.all([
      chain.client.readContract({ ...people, functionName: 'entryOf', args: [ROLE[role], id] }),
      chain.client.readContract({ ...people, functionName: 'isActiveIn', args: [ROLE[role], id, epoch] }),
      claimablesOf(chain, { ledger, registry }, router, [{ role, id }]),
      Promise.all(
        Array.from({ length: epochs }, (_, back) =>
          revenueIn(chain, ledger, router, { role, id, epoch: epoch - back }),
        ),
      ),
    ])
    if (owner === zeroAddress || money === undefined) return undefined
    return { ...money, owner, meta, isActive, epoch, revenue }
  })
}

async function revenueIn(
  { client }: Chain,
  ledger: Address,
  router: Address,
  { role, id, epoch }: { role: PayeeRole; id: number; epoch: number },
): Promise<EpochRevenue> {
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const [gross, split] = await Promise.all([
    client.readContract({ ...books, functionName: 'unitsIn', args: [router, ROLE[role], id, epoch] }),
    client.readContract({ ...books, functionName: 'splitIn', args: [epoch] }),
  ])
  return { epoch, gross, share: (gross * BigInt(split[role])) / BPS }
}

/** Where a node stands with its voters: its weight, and how much it raises what the node's units are worth. */
export interface NodeBoost {
  /** Token-weeks, in the present epoch and, as votes stand, in the next one. */
  weight: bigint
  nextWeight: bigint
  /** Points of the units below, with 64 binary places: `points / (units << 64)` is the multiplier. */
  points: bigint
  /** Settled at the node's home router in the present epoch; one dollar where nothing is. Base units. */
  units: bigint
  /** The most that votes multiply units; 10,000 = 1x. Basis points. */
  mostBps: number
}

/** @throws `chain.unreachable` (later). */
export async function readBoost(
  chain: Chain,
  { votes, emission, ledger }: Pick<Economy, 'votes' | 'emission' | 'ledger'>,
  node: number,
): Promise<NodeBoost> {
  const { client } = chain
  const ballots = { address: votes, abi: voteControllerAbi } as const
  const controller = { address: emission, abi: emissionControllerAbi } as const
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const { epoch } = await readClock(chain)
  return asked(async () => {
    const [weight, nextWeight, { betaBps }, home] = await Promise.all([
      client.readContract({ ...ballots, functionName: 'weightIn', args: [BALLOT.node, node, epoch] }),
      client.readContract({ ...ballots, functionName: 'weightIn', args: [BALLOT.node, node, epoch + 1] }),
      client.readContract({ ...controller, functionName: 'paramsIn', args: [epoch] }),
      client.readContract({ ...controller, functionName: 'homeIn', args: [node, epoch] }),
    ])
    const settled = await client.readContract({
      ...books,
      functionName: 'unitsIn',
      args: [home, ROLE.node, node, epoch],
    })
    const units = settled > 0n ? settled : ONE_DOLLAR
    const points = await client.readContract({
      ...controller,
      functionName: 'pointsOf',
      args: [node, epoch, false, units],
    })
    return { weight, nextWeight, points, units, mostBps: betaBps }
  })
}

const ONE_DOLLAR = 1_000_000n

async function asked<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw chainError(cause)
  }
}
