import { Command } from 'commander'
import type { Address } from 'viem'
import { emissionControllerAbi } from '../../sdk/chain/abi.ts'
import { fetchBaseReport, mustBeFiled } from '../../sdk/chain/base.ts'
import { readBurn } from '../../sdk/chain/burns.ts'
import {
  type Act,
  BASE_PATIENCE,
  type Cycle,
  dueActs,
  type KnownReport,
  REPORT_STATE,
  readCycle,
} from '../../sdk/chain/cycle.ts'
import { emissionCall } from '../../sdk/chain/emission.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { lockCall } from '../../sdk/chain/locks.ts'
import { type BallotName, voteCall } from '../../sdk/chain/votes.ts'
import { refused } from '../../sdk/errors.ts'
import { startOf } from '../../sdk/protocol/epochs.ts'
import { formatUsd } from '../../sdk/units.ts'
import { countdown, type EconomyOptions, economyOptions, idOf, openScene, type Scene } from '../economy.ts'
import { addressOf } from '../trust.ts'

export interface EpochOptions extends EconomyOptions {
  routers?: string
  node?: string
  pod?: string
  keeper?: string
}

/** Verbs of the cycle and the acts that each of them does. Nobody has a right to them: anyone may. */
const VERBS: [string, string, readonly Act['name'][]][] = [
  [
    'turn',
    'do everything that is due, in its order',
    [
      'gather',
      'checkpoint',
      'roll',
      'close revenue',
      'lapse',
      'record',
      'record base',
      'finalize',
      'close tips',
    ],
  ],
  ['gather', 'bring the protocol part of all fees to the burner', ['gather']],
  ['record', 'count the fees of nodes in the epoch that is finalized next', ['record']],
  ['lapse', 'end a challenge that nobody judged in its time, so that its epoch can be final', ['lapse']],
  ['finalize', 'fix what that epoch issues', ['finalize']],
  ['close', "take in voters' revenue and tips, so that they can be claimed", ['close revenue', 'close tips']],
]

const KEEPER = 'where the keeper that filed the report publishes it'

/** `heurist epoch`: the weekly cycle. Doing any of it twice is harmless. */
export function epochCommand(): Command {
  const epoch = new Command('epoch').description('The weekly cycle of the economy, which anyone may turn')
  epochOptions(epoch.command('show').description('the countdown, and what is due'))
    .addHelpText('after', '\nExample:\n  $ heurist epoch show')
    .action(showEpoch)
  for (const [name, what, acts] of VERBS) {
    const command = epochOptions(epoch.command(name).description(what))
      .addHelpText('after', `\nExample:\n  $ heurist epoch ${name} --dry-run`)
      .action((options: EpochOptions) => turn(options, acts))
    if (acts.includes('record base'))
      command.option('--keeper <url>', `${KEEPER}; without it no base is recorded`)
  }
  epochOptions(
    epoch.command('base <nodes>').description("record nodes' base from a prober's published leaves"),
  )
    .requiredOption('--keeper <url>', KEEPER)
    .addHelpText('after', '\nExample:\n  $ heurist epoch base 1,2 --keeper http://127.0.0.1:4104 --dry-run')
    .action(recordBase)
  epochOptions(
    epoch
      .command('roll')
      .description('count all votes up to the next epoch, so that votes in this one are cheap'),
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
  const { judgeUntil } = open
  if (judgeUntil !== undefined && judgeUntil < time)
    return `epoch ${open.epoch}, once its challenge has lapsed: \`heurist epoch lapse\``
  if (judgeUntil !== undefined)
    return `epoch ${open.epoch}, once its report is judged, or in ${countdown(judgeUntil - time)}`
  const left = open.finalizableAt - time
  if (open.awaitsBase) {
    const from = left + BASE_PATIENCE
    return `epoch ${open.epoch}, once its base is recorded (\`heurist epoch base\`), or in ${countdown(from)}`
  }
  return `epoch ${open.epoch}, ${left > 0 ? `in ${countdown(left)}` : 'now'}`
}

async function turn(options: EpochOptions, names: readonly Act['name'][]): Promise<void> {
  const scene = await openScene(options)
  const { print, place, economy } = scene
  const known = options.keeper === undefined ? undefined : publishedBy(options.keeper, scene)
  const cycle = await readCycle(place.chain, economy, routersOf(scene, options), known)
  const acts = dueActs(cycle, economy).filter(({ name }) => names.includes(name))
  if (acts.length === 0) print.line(`nothing of this is due; to finalize: ${finalizeText(cycle)}`)
  for (const { name, what } of acts) print.line(`${name}: ${what}`)
  const outcome = await scene.send(acts.map(({ call }) => call))
  print.result({ epoch: cycle.epoch, acts: acts.map(({ name, what }) => ({ name, what })), ...outcome })
}

/** @throws `report.none`, `report.unreadable`, `report.foreign`, `leaf.none` (refused), `keeper.unreachable` (later). */
async function recordBase(nodes: string, options: EpochOptions & { keeper: string }): Promise<void> {
  const scene = await openScene(options)
  const { print, place, economy } = scene
  const ids = idsOf('node', nodes)
  const known: KnownReport = async (epoch) => {
    const report = await publishedBy(options.keeper, scene)(epoch)
    if (!report) throw noReport(epoch)
    const missing = ids.find((id) => !report.leaves.some(({ node }) => node === id))
    if (missing !== undefined) throw noLeaf(epoch, missing)
    return report
  }
  const { epoch, open } = await readCycle(place.chain, economy, [], known)
  const leaves = open?.base.filter(({ node }) => ids.includes(node)) ?? []
  if (leaves.length === 0) print.line('nothing of this is due: it is recorded, or no epoch is open')
  for (const { node, units } of leaves) print.line(`record base: node ${node}, ${units} units`)
  const calls = leaves.map(({ node, units, proof }) =>
    emissionCall.recordBase(economy.emission, open?.epoch ?? 0, node, units, proof),
  )
  const outcome = await scene.send(calls)
  print.result({ epoch, open: open?.epoch ?? null, leaves, ...outcome })
}

const noReport = (epoch: number) =>
  refused('report.none', `no report of epoch ${epoch} stands, and it is the next to be final`, {
    fix: 'A prober files one within a day after the end of its epoch; without one no base is issued for it.',
    details: { epoch },
  })

const noLeaf = (epoch: number, node: number) =>
  refused('leaf.none', `the report of epoch ${epoch} counts nothing for node ${node}`, {
    fix: "The prober's log shows what it asked the node: /v1/probes/<epoch> at the same keeper.",
    details: { epoch, node },
  })

/** The report of an epoch as a keeper publishes it, if the chain has the same one. */
const publishedBy =
  (keeperUrl: string, { place, economy }: Scene): KnownReport =>
  async (epoch) => {
    const at = { address: economy.emission, abi: emissionControllerAbi } as const
    const filed = await place.chain.client
      .readContract({ ...at, functionName: 'reportOf', args: [epoch] })
      .catch((cause: unknown) => {
        throw chainError(cause)
      })
    if (filed.state === REPORT_STATE.none || filed.state === REPORT_STATE.void) return undefined
    const report = await fetchBaseReport(keeperUrl, epoch)
    mustBeFiled(report, filed)
    return report
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
