import { Command } from 'commander'
import type { Address } from 'viem'
import { type BondState, bondCall, bondDepositCalls, readBond } from '../../sdk/chain/bonds.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { type HeuristError, later, refused } from '../../sdk/errors.ts'
import { formatHeu, formatUsd, heu, usd } from '../../sdk/units.ts'
import { type Actor, actorFor, performAs } from '../actor.ts'
import { countdown, dateOf, type EconomyOptions, economyOptions } from '../economy.ts'
import { createPrinter, type Printer } from '../print.ts'
import { addressOf, openPlace, type Place } from '../trust.ts'

interface Options extends EconomyOptions {
  of?: string
}

/** `heurist bond`: what a router loses when it cheats. */
export function bondCommand(): Command {
  const bond = new Command('bond').description("a router's bond: show, add, leave")
  const verb = (name: string, what: string, example: string) =>
    economyOptions(bond.command(name).description(what)).addHelpText(
      'after',
      `\nExample:\n  $ heurist ${example}`,
    )

  verb('show', 'what it holds, owes and is held for', 'bond show')
    .option('--of <address>', 'whose; default: --account, else the router of this home')
    .action(show)
  verb('deposit', 'add to a bond; anyone may', 'bond deposit 1000 500 --key-file giver.json')
    .argument('<dollars>')
    .argument('[heu]', 'HEU', '0')
    .option('--of <address>', 'whose; default: the router of this home')
    .action(deposit)
  const own = (name: keyof typeof NEEDS, what: string) =>
    verb(name, what, `bond ${name} --key-file router.json`).action((options: Options) => move(name, options))
  own('exit', 'announce that the calling router leaves, 30 days ahead; its payees serve it no more')
  own('cancel', 'take the announcement back')
  own('withdraw', 'take the whole bond, once the exit is due')
  return bond
}

async function show(options: Options): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const named = options.of ?? options.account
  const router = named === undefined ? place.router : addressOf(named, options.of ? '--of' : '--account')
  const state = await readBond(place.chain, place.bond, router)
  await printBond(print, place, state)
  print.result(state)
}

/** @throws `amount.invalid`, `asset.insufficient`, `heu.insufficient`, `bond.convicted` (refused). */
async function deposit(dollars: string, heuText: string, options: Options): Promise<void> {
  const [assets, heus] = [usd(dollars), heu(heuText)]
  if (assets === 0n && heus === 0n) {
    throw refused('amount.invalid', 'nothing is no bond', { fix: 'Name dollars, HEU, or both.' })
  }
  const place = await openPlace(options)
  const actor = actorFor(options, place)
  const router = options.of === undefined ? place.router : addressOf(options.of, '--of')
  const state = await readBond(place.chain, place.bond, router)
  if (state.convictedAt !== 0n) throw convicted(router)
  const tokens = { bond: place.bond, asset: place.asset, heu: place.network.addresses.heu }
  const gift = { from: actor.account, router, assets, heus }
  await send(options, place, { actor, router, calls: await bondDepositCalls(place.chain, tokens, gift) })
}

const NEEDS = {
  exit: [
    'announceExit',
    (state: BondState) => absence(state) ?? (state.exitAt === 0n ? undefined : leaving(state)),
  ],
  cancel: ['cancelExit', (state: BondState) => (state.exitAt === 0n ? staying(state) : undefined)],
  withdraw: ['withdraw', (state: BondState, now: number) => tooEarly(state, now)],
} as const

/** What the router of a bond does itself: the router is who acts. */
async function move(name: keyof typeof NEEDS, options: Options): Promise<void> {
  const place = await openPlace(options)
  const actor = actorFor(options, place)
  const router = actor.account
  const state = await readBond(place.chain, place.bond, router)
  const { now } = await readClock(place.chain)
  const [functionName, objection] = NEEDS[name]
  const error = objection(state, now)
  // What time mends does not matter to calls that are sent later.
  if (error && !(options.dryRun && error.kind === 'later')) throw error
  await send(options, place, { actor, router, calls: [bondCall(place.bond, functionName)] })
}

async function send(
  options: Options,
  place: Place,
  { actor, router, calls }: { actor: Actor; router: Address; calls: Call[] },
): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const outcome = await performAs(print, place, calls, { ...actor, dryRun: options.dryRun ?? false })
  const bond = await readBond(place.chain, place.bond, router)
  if (!outcome.dryRun) await printBond(print, place, bond)
  print.result({ ...outcome, bond })
}

async function printBond(print: Printer, { chain }: Place, state: BondState): Promise<void> {
  const { now } = await readClock(chain)
  const { asset, heu, leastAsset, leastHeu, owedAsset, owedHeu, reserved, exitAt, convictedAt } = state
  const both = (assets: bigint, heus: bigint) => `${formatUsd(assets)} dollars and ${formatHeu(heus)} HEU`
  print.rows([
    ['router', `${state.router}, ${state.mayRoute ? 'which may settle' : 'which may not settle'}`],
    ['bond', both(asset, heu)],
    ['least', both(leastAsset, leastHeu)],
    ...(owedAsset > 0n || owedHeu > 0n
      ? [['owed', `${both(owedAsset, owedHeu)}, before it settles again`] as const]
      : []),
    ['reserved', `${formatUsd(reserved)} dollars, for filed claims`],
    ['exit', exitAt === 0n ? 'not announced' : due(Number(exitAt), now)],
    ...(convictedAt > 0n ? [['convicted', dateOf(Number(convictedAt))] as const] : []),
  ])
}

const due = (at: number, now: number): string =>
  at <= now ? 'due: `heurist bond withdraw`' : `due in ${countdown(at - now)}, at ${dateOf(at)}`

// ------------------------------------------------------------------------------------------------------ refusals

function absence({ router, asset, heu }: BondState): HeuristError | undefined {
  if (asset > 0n || heu > 0n) return undefined
  return refused('bond.none', `${router} has no bond`, {
    fix: "Name the router's key with --key-file, or its address with --account.",
  })
}

const staying = ({ router }: BondState) =>
  refused('bond.staying', `router ${router} has announced no exit`, {
    fix: 'Announce it with `heurist bond exit`; the bond can be withdrawn 30 days later.',
  })

/** Announced again, the wait would begin again. */
const leaving = ({ router, exitAt }: BondState) =>
  refused('bond.leaving', `router ${router} has announced its exit, due at ${dateOf(Number(exitAt))}`, {
    fix: 'Wait for it, or take it back with `heurist bond cancel`.',
    details: { exitAt: exitAt.toString() },
  })

const convicted = (router: Address) =>
  refused('bond.convicted', `router ${router} is convicted: its bond is for its payees and the fire`, {
    fix: 'Nothing is added to it or taken from it: route with another key.',
  })

function tooEarly(state: BondState, now: number): HeuristError | undefined {
  const { router, exitAt, reserved } = state
  if (state.convictedAt !== 0n) return convicted(router)
  const none = absence(state)
  if (none || exitAt === 0n) return none ?? staying(state)
  const seconds = Number(exitAt) - now
  if (seconds > 0) {
    return later('bond.leaving', `it can be withdrawn in ${countdown(seconds)}`, {
      fix: `Come back at ${dateOf(Number(exitAt))}; until then its payees may file against it.`,
      details: { exitAt: exitAt.toString(), seconds },
    })
  }
  if (reserved === 0n) return undefined
  return later('bond.claimed', `open claims hold ${formatUsd(reserved)} dollars of it`, {
    fix: 'Wait until they are resolved.',
    details: { reserved: reserved.toString() },
  })
}
