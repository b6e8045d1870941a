import { type Address, type Hex, zeroAddress } from 'viem'
import { z } from 'zod'
import { computeLedgerAbi, registryAbi } from '../../sdk/chain/abi.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { ledgerHistory } from '../../sdk/chain/history.ts'
import { type Claimable, claimablesOf } from '../../sdk/chain/payees.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatUsd } from '../../sdk/units.ts'
import { epochDate } from '../economy.ts'
import type { Printer } from '../print.ts'
import { askRouter } from '../router.ts'
import type { Place } from '../trust.ts'

/** A frontend as the Registry has it. */
export interface Frontend {
  id: number
  owner: Address
  payout: Address
  /** The owner to be, until it accepts; zero = nobody. */
  heir: Address
  /** Hash of its description. */
  meta: Hex
  /** Whether routers take its calls in this epoch. */
  active: boolean
  /** First epoch in which they do. */
  activeFrom: number
  /** First epoch in which they no longer do; 0 = no end. */
  inactiveFrom: number
  /** Nodes that it wants first, best first. */
  preferred: number[]
}

/** @throws `frontend.unknown` (refused), `chain.unreachable` (later). */
export async function readFrontend({ chain, registry }: Place, id: number): Promise<Frontend> {
  const people = { address: registry, abi: registryAbi } as const
  const { epoch } = await readClock(chain)
  const [entry, active, preferred] = await Promise.all([
    chain.client.readContract({ ...people, functionName: 'entryOf', args: [ROLE.frontend, id] }),
    chain.client.readContract({ ...people, functionName: 'isActiveIn', args: [ROLE.frontend, id, epoch] }),
    chain.client.readContract({ ...people, functionName: 'preferredOf', args: [id] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const { owner, payout, heir, meta, activeFrom, inactiveFrom } = entry
  if (owner !== zeroAddress) {
    return { id, owner, payout, heir, meta, active, activeFrom, inactiveFrom, preferred: [...preferred] }
  }
  throw refused('frontend.unknown', `there is no frontend ${id}`, {
    fix: 'Register one with `heurist frontend create`, or see yours with `heurist frontend show --mine`.',
    field: 'id',
  })
}

/** What the frontend has earned with each router whose calls it ever brought. @throws `chain.unreachable` (later). */
export async function earningsOf(place: Place, id: number): Promise<(Claimable & { router: Address })[]> {
  const routers = await routersOf(place)
  const earned = await Promise.all(
    routers.map(async (router) => {
      const [item] = await claimablesOf(place.chain, place, router, [{ role: 'frontend', id }])
      return item === undefined ? [] : [{ ...item, router }]
    }),
  )
  return earned.flat().filter(({ gross }) => gross > 0n)
}

/** Every router that was ever allowed to settle with this ledger, the oldest first. */
async function routersOf({ chain, ledger }: Place): Promise<Address[]> {
  const allowed = await ledgerHistory(chain, ledger, 'RouterAllowed', {})
  return [...new Set(allowed.map(({ args }) => args.router))]
}

/** The frontend's share of the gross in this epoch, basis points. */
export const shareOf = ({ chain, ledger }: Place, id: number): Promise<bigint> =>
  chain.client
    .readContract({
      address: ledger,
      abi: computeLedgerAbi,
      functionName: 'shareBpsOf',
      args: [ROLE.frontend, id],
    })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })

export function printFrontend(print: Printer, frontend: Frontend): void {
  const { id, owner, payout, heir, meta, inactiveFrom } = frontend
  print.rows([
    ['frontend', `${id} of ${owner}`],
    ['payout', payout],
    ...(heir === zeroAddress ? [] : [['offered to', `${heir}, until it accepts`] as const]),
    ['description', /^0x0+$/.test(meta) ? 'none' : meta],
    ['calls', callsText(frontend)],
    ...(inactiveFrom === 0 ? [] : [['ends with', epochDate(inactiveFrom)] as const]),
  ])
}

const callsText = ({ active, activeFrom, inactiveFrom }: Frontend): string => {
  if (!active && inactiveFrom === 0) return `routers take them from ${epochDate(activeFrom)} on`
  if (!active) return 'routers take none; what was earned can be claimed as ever'
  return inactiveFrom === 0 ? 'routers take them' : 'routers take them until it ends'
}

export function printEarnings(print: Printer, earnings: readonly (Claimable & { router: Address })[]): void {
  print.rows(
    earnings.map(({ router, gross, claimable, claimed }) => [
      `with router ${router}`,
      `$${formatUsd(claimable)} to claim, $${formatUsd(claimed)} claimed, of $${formatUsd(gross)} gross`,
    ]),
  )
}

// -------------------------------------------------------------------------------------------------------- routing

/** A preferred node as the router sees it now. */
export interface PreferredNode {
  node: number
  /** `unknown` where the router cannot be asked. */
  state: 'live' | 'ejected' | 'offline' | 'unknown'
  slots: number
}

const nodesSchema = z.looseObject({
  nodes: z.array(
    z.looseObject({
      id: z.number(),
      state: z.enum(['live', 'ejected', 'offline']),
      slots: z.array(z.unknown()),
    }),
  ),
})

/** What the router knows of the preferred nodes; a router that cannot be asked makes them unknown, not wrong. */
export async function preferredAt(routerUrl: string, preferred: readonly number[]): Promise<PreferredNode[]> {
  if (preferred.length === 0) return []
  const nodes = await askRouter(routerUrl, '/v1/nodes', nodesSchema)
    .then((document) => document.nodes)
    .catch((cause: unknown) => {
      if (asHeuristError(cause).kind === 'later') return undefined
      throw cause
    })
  return preferred.map((node) => {
    const seen = nodes?.find(({ id }) => id === node)
    const state = seen?.state ?? (nodes === undefined ? 'unknown' : 'offline')
    return { node, state, slots: seen?.slots.length ?? 0 }
  })
}

const STATES = {
  live: 'connected',
  ejected: 'failed several jobs in a row: passed over for now',
  offline: 'not connected: passed over',
  unknown: 'the router does not answer',
} as const

/** What routing makes of the list, node by node. @source sdk/protocol/route.ts */
export function printPreferred(print: Printer, nodes: readonly PreferredNode[]): void {
  if (nodes.length === 0) {
    print.line('  prefers no node: each call goes to the one that is expected to be done first')
    return
  }
  print.line('  prefers, the first of them with a free slot for the pod takes the call:')
  print.rows(
    nodes.map(({ node, state, slots }, index) => [
      `${index + 1}. node ${node}`,
      state === 'live' ? `${STATES.live}, ${slots} slots` : STATES[state],
    ]),
  )
  print.line(
    '  if all of them are busy nobody waits: the call goes to the node that is expected to be done first',
  )
}
