import { existsSync, readFileSync } from 'node:fs'
import { type Hex, keccak256, parseEventLogs, zeroAddress, zeroHash } from 'viem'
import { registryAbi } from '../../sdk/chain/abi.ts'
import { type Call, caller } from '../../sdk/chain/call.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { bug, refused } from '../../sdk/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { same } from '../../sdk/recover.ts'
import { formatUsd } from '../../sdk/units.ts'
import type { Outcome } from '../act.ts'
import { type Actor, actorFor, performAs } from '../actor.ts'
import { type EconomyOptions, idOf } from '../economy.ts'
import { createPrinter, type Printer } from '../print.ts'
import { addressOf, openPlace, type Place } from '../trust.ts'
import {
  earningsOf,
  type Frontend,
  preferredAt,
  printEarnings,
  printFrontend,
  printPreferred,
  readFrontend,
} from './entry.ts'

export interface CreateOptions extends EconomyOptions {
  payout?: string
  meta?: string
}

interface Scene {
  print: Printer
  place: Place
  actor: Actor
  send(calls: readonly Call[]): Promise<Outcome>
}

const registryCall = caller(registryAbi)

async function open(options: EconomyOptions): Promise<Scene> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const actor = actorFor(options, place)
  const send = (calls: readonly Call[]) =>
    performAs(print, place, calls, { ...actor, dryRun: options.dryRun ?? false })
  return { print, place, actor, send }
}

/** Registers the actor as owner of a new frontend and says its id. @throws `address.*`, `meta.*` (refused). */
export async function create(options: CreateOptions): Promise<void> {
  const meta = options.meta === undefined ? zeroHash : hashOf(options.meta)
  const { print, place, actor, send } = await open(options)
  const payout = options.payout === undefined ? actor.account : payoutOf(options.payout, '--payout')
  print.rows([
    ['owner', actor.account],
    ['payout', payout],
    ['description', meta === zeroHash ? 'none' : meta],
  ])
  const outcome = await send([registryCall(place.registry, 'registerFrontend', [payout, meta])])
  const [transaction] = outcome.transactions
  if (transaction === undefined) return print.result(outcome)
  const id = await registeredIn(place, transaction)
  print.line(`frontend ${id}: give it to your client as \`frontend: ${id}\``)
  print.result({ ...outcome, id, frontend: await readFrontend(place, id) })
}

async function registeredIn({ chain, registry }: Place, hash: Hex): Promise<number> {
  const { logs } = await chain.client.getTransactionReceipt({ hash }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  const events = parseEventLogs({ abi: registryAbi, eventName: 'Registered', logs })
  const id = events.find(({ address }) => same(address, registry))?.args.id
  if (id === undefined) throw bug('frontend.unregistered', `${hash} registered nothing`)
  return id
}

/** @throws `address.invalid`, `address.zero`, `frontend.foreign` (refused). */
export async function setPayout(text: string, address: string, options: EconomyOptions): Promise<void> {
  const payout = payoutOf(address, 'payout')
  await act(text, options, async ({ place, print }, { id, payout: before }) => {
    const earnings = await earningsOf(place, id)
    const due = earnings.reduce((sum, { claimable }) => sum + claimable, 0n)
    print.line(
      `from now on ${payout} is paid, not ${before}; the $${formatUsd(due)} not yet claimed included`,
    )
    printEarnings(print, earnings)
    return registryCall(place.registry, 'setPayout', [ROLE.frontend, id, payout])
  })
}

/** @throws `meta.unreadable`, `frontend.foreign` (refused). */
export async function setMeta(text: string, meta: string, options: EconomyOptions): Promise<void> {
  const hash = hashOf(meta)
  await act(text, options, async ({ place, print }, { id, meta: before }) => {
    print.line(`its description is ${hash}, not ${before}`)
    return registryCall(place.registry, 'setMeta', [ROLE.frontend, id, hash])
  })
}

/** @throws `nodes.invalid`, `nodes.too_many`, `node.unknown`, `frontend.foreign` (refused). */
export async function prefer(text: string, list: string, options: EconomyOptions): Promise<void> {
  const nodes = nodesOf(list)
  await act(text, options, async ({ place, print }, { id }) => {
    await checkNodes(place, nodes)
    printPreferred(print, await preferredAt(place.network.router.url, nodes))
    return registryCall(place.registry, 'setPreferred', [id, nodes])
  })
}

/** Offers the frontend to another owner, who has to accept; `none` takes the offer back. */
export async function offer(text: string, heirText: string, options: EconomyOptions): Promise<void> {
  const heir = heirText === 'none' ? zeroAddress : addressOf(heirText, 'heir')
  await act(text, options, async ({ place, print }, { id, owner }) => {
    print.line(
      heir === zeroAddress
        ? `frontend ${id} is offered to nobody`
        : `${heir} may take frontend ${id} over from ${owner} with \`heurist frontend accept ${id}\`; until then nothing changes`,
    )
    return registryCall(place.registry, 'proposeOwner', [ROLE.frontend, id, heir])
  })
}

/** @throws `frontend.not_offered` (refused). */
export async function accept(text: string, options: EconomyOptions): Promise<void> {
  const scene = await open(options)
  const { place, actor, print } = scene
  const { id, heir, payout } = await readFrontend(place, idOf(text, 'frontend'))
  if (!same(heir, actor.account)) {
    throw refused('frontend.not_offered', `frontend ${id} is not offered to ${actor.account}`, {
      fix: `Its owner offers it with \`heurist frontend offer ${id} ${actor.account}\`.`,
      details: { heir, account: actor.account },
    })
  }
  print.line(`frontend ${id} becomes yours; it still pays ${payout} until you set another payout`)
  await finish(scene, id, registryCall(place.registry, 'acceptOwner', [ROLE.frontend, id]))
}

/** @throws `frontend.inactive`, `frontend.foreign` (refused). */
export const deactivate = (text: string, options: EconomyOptions): Promise<void> =>
  act(text, options, async ({ place, print }, { id, inactiveFrom }) => {
    if (inactiveFrom !== 0) {
      throw refused('frontend.inactive', `frontend ${id} ends with epoch ${inactiveFrom} already`, {
        fix: 'Nothing is left to do; `heurist frontend reactivate` takes it back.',
      })
    }
    print.line(`from the next epoch on routers take no calls of frontend ${id}; its earnings stay claimable`)
    return registryCall(place.registry, 'deactivate', [ROLE.frontend, id])
  })

/** @throws `frontend.active`, `frontend.foreign` (refused). */
export const reactivate = (text: string, options: EconomyOptions): Promise<void> =>
  act(text, options, async ({ place }, { id, inactiveFrom }) => {
    if (inactiveFrom === 0) {
      throw refused('frontend.active', `frontend ${id} is active and has no end`, {
        fix: 'Nothing is left to do.',
      })
    }
    return registryCall(place.registry, 'reactivate', [ROLE.frontend, id])
  })

// --------------------------------------------------------------------------------------------- the owner's acts

/** One act of the owner. @throws `id.invalid`, `frontend.unknown`, `frontend.foreign` (refused). */
async function act(
  text: string,
  options: EconomyOptions,
  callOf: (scene: Scene, frontend: Frontend) => Promise<Call>,
): Promise<void> {
  const id = idOf(text, 'frontend')
  const scene = await open(options)
  const frontend = await readFrontend(scene.place, id)
  const { account } = scene.actor
  if (!same(frontend.owner, account)) {
    throw refused('frontend.foreign', `frontend ${id} belongs to ${frontend.owner}, not to ${account}`, {
      fix: "Name its owner's key with --key-file.",
      details: { owner: frontend.owner, account },
    })
  }
  await finish(scene, id, await callOf(scene, frontend))
}

async function finish({ send, place, print }: Scene, id: number, call: Call): Promise<void> {
  const outcome = await send([call])
  const frontend = await readFrontend(place, id)
  if (!outcome.dryRun) printFrontend(print, frontend)
  print.result({ ...outcome, frontend })
}

// ---------------------------------------------------------------------------------------------------------- words

function payoutOf(text: string, what: string): Hex {
  const address = addressOf(text, what)
  if (address !== zeroAddress) return address
  throw refused('address.zero', `${what}: nobody can claim to the zero address`, { fix: 'Name another one.' })
}

/** A hash as it is, or the keccak-256 of a file. @throws `meta.unreadable` (refused). */
function hashOf(text: string): Hex {
  if (/^0x[0-9a-f]{64}$/i.test(text)) return text.toLowerCase() as Hex
  if (existsSync(text)) return keccak256(readFileSync(text))
  throw refused('meta.unreadable', `'${text}' is neither a file nor a hash`, {
    fix: 'Name the file that describes the frontend, or the keccak-256 of it as 0x and 64 hexadecimal digits.',
  })
}

/** @throws `nodes.invalid` (refused). */
function nodesOf(list: string): number[] {
  if (list === 'none') return []
  const nodes = list.split(',').map((word) => idOf(word.trim(), 'node'))
  if (new Set(nodes).size === nodes.length) return nodes
  throw refused('nodes.invalid', `'${list}' names a node twice`, { fix: 'Name each once, best first.' })
}

/** What the Registry would refuse, before anything is signed. @source Registry.setPreferred */
async function checkNodes({ chain, registry }: Place, nodes: readonly number[]): Promise<void> {
  const people = { address: registry, abi: registryAbi } as const
  const [most, count] = await Promise.all([
    chain.client.readContract({ ...people, functionName: 'MOST_PREFERRED' }),
    chain.client.readContract({ ...people, functionName: 'countOf', args: [ROLE.node] }),
  ]).catch((cause: unknown) => {
    throw chainError(cause)
  })
  if (BigInt(nodes.length) > most) {
    throw refused('nodes.too_many', `${nodes.length} preferred nodes are more than ${most}`, {
      fix: 'Name fewer, best first.',
      details: { given: nodes.length, most: most.toString() },
    })
  }
  const unknown = nodes.find((node) => node > count)
  if (unknown !== undefined) {
    throw refused('node.unknown', `there is no node ${unknown}`, { fix: 'Name registered nodes.' })
  }
}
