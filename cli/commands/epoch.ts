import { Command } from 'commander'
import type { Address } from 'viem'
import { readBurn } from '../../sdk/chain/burns.ts'
import { type Act, type Cycle, dueActs, readCycle } from '../../sdk/chain/cycle.ts'
import { lockCall } from '../../sdk/chain/locks.ts'
import { type BallotName, voteCall } from '../../sdk/chain/votes.ts'
import { startOf } from '../../sdk/protocol/epochs.ts'
import { formatUsd } from '../../sdk/units.ts'
import { countdown, type EconomyOptions, economyOptions, idOf, openScene, type Scene } from '../economy.ts'
import { addressOf } from '../trust.ts'

export interface EpochOptions extends EconomyOptions {
  routers?: string
  node?: string
  pod?: string
}

/** Verbs of the cycle and the acts that each of them does. Nobody has a right to them: anyone may. */
const VERBS: [string, string, readonly Act['name'][]][] = [
  [
    'turn',
    'do everything that is due, in its order',
    ['gather', 'close revenue', 'record', 'finalize', 'close tips'],
  ],
  ['gather', 'bring the protocol part of all fees to the burner', ['gather']],
  ['record', 'count the fees of nodes in the epoch that is finalized next', ['record']],
  ['finalize', 'fix what that epoch issues', ['finalize']],
  ['close', "take in voters' revenue and tips, so that they can be claimed", ['close revenue', 'close tips']],
]

/** `heurist epoch`: the weekly cycle. Doing any of it twice is harmless. */
export function epochCommand(): Command {
  const epoch = new Command('epoch').description('The weekly cycle of the economy, which anyone may turn')
  epochOptions(epoch.command('show').description('the countdown, and what is due'))
    .addHelpText('after', '\nExample:\n  $ heurist epoch show')
    .action(showEpoch)
  for (const [name, what, acts] of VERBS) {
    epochOptions(epoch.command(name).description(what))
      .addHelpText('after', `\nExample:\n  $ heurist epoch ${name} --dry-run`)
      .action((options: EpochOptions) => turn(options, acts))
  }
  epochOptions(
    epoch.command('roll').description('write the weights of this epoch down, so that later calls are cheap'),
  )
    .option('--node <ids>', 'nodes too')
    .option('--pod <ids>', 'pods too')
    .addHelpText('after', '\nExample:\n  $ heurist epoch roll --pod 1,2')
    .action(roll)
  return epoch
}

export const epochOptions = (command: Command): Command =>
  economyOptions(command).option(
    '--routers <addresses>',
    "whose fees count; the chain has no list of them. Default: the network's router",
  )

/** `heurist epoch show` and `heurist net epoch`. */
export async function showEpoch(options: EpochOptions): Promise<void> {
  const scene = await openScene(options)
  const { print, place, economy } = scene
  const [cycle, burn] = await Promise.all([
    readCycle(place.chain, economy, routersOf(scene, options)),
    readBurn(place.chain, economy.burner),
  ])
  const due = dueActs(cycle, economy).map(({ name, what }) => ({ name, what }))
  const endsAt = startOf(cycle.epoch + 1)
  print.rows([
    ['epoch', `${cycle.epoch}, ends in ${countdown(endsAt - cycle.time)}`],
    ['to finalize', finalizeText(cycle)],
    ['lot', `$${formatUsd(burn.lot.amount)} of epoch ${burn.lot.epoch}: see \`heurist burn show\``],
    ...due.map(({ name, what }) => [`due: ${name}`, what] as const),
  ])
  print.line(due.length === 0 ? '  nothing is due' : '  do it with `heurist epoch turn`')
  print.result({ time: cycle.time, epoch: cycle.epoch, endsAt, open: cycle.open ?? null, lot: burn.lot, due })
}

function finalizeText({ open, time }: Cycle): string {
  if (!open) return 'nothing: every epoch that is over is final'
  if (open.challenged) return `epoch ${open.epoch}, once its report is judged`
  const left = open.finalizableAt - time
  return `epoch ${open.epoch}, ${left > 0 ? `in ${countdown(left)}` : 'now'}`
}

async function turn(options: EpochOptions, names: readonly Act['name'][]): Promise<void> {
  const scene = await openScene(options)
  const { print, place, economy } = scene
  const cycle = await readCycle(place.chain, economy, routersOf(scene, options))
  const acts = dueActs(cycle, economy).filter(({ name }) => names.includes(name))
  if (acts.length === 0) print.line(`nothing of this is due; to finalize: ${finalizeText(cycle)}`)
  for (const { name, what } of acts) print.line(`${name}: ${what}`)
  const outcome = await scene.send(acts.map(({ call }) => call))
  print.result({ epoch: cycle.epoch, acts: acts.map(({ name, what }) => ({ name, what })), ...outcome })
}

async function roll(options: EpochOptions): Promise<void> {
  const scene = await openScene(options)
  const { votes, escrow } = scene.economy
  const of = (ballot: BallotName, text: string | undefined) =>
    [0, ...idsOf(ballot, text)].map((id) => voteCall.roll(votes, ballot, id))
  const calls = [lockCall.checkpoint(escrow), ...of('node', options.node), ...of('pod', options.pod)]
  scene.print.result(await scene.send(calls))
}

const idsOf = (what: string, text: string | undefined): number[] =>
  text === undefined ? [] : text.split(',').map((word) => idOf(word.trim(), what))

const routersOf = ({ place }: Scene, { routers }: EpochOptions): Address[] =>
  routers === undefined
    ? [place.router]
    : routers.split(',').map((text) => addressOf(text.trim(), '--routers'))
