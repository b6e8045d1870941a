import { Command } from 'commander'
import { heuApproval } from '../../sdk/chain/approvals.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { readStake, type StakeState, stakeCall } from '../../sdk/chain/stakes.ts'
import { later, refused } from '../../sdk/errors.ts'
import { formatHeu, heu } from '../../sdk/units.ts'
import {
  countdown,
  dateOf,
  type EconomyOptions,
  economyOptions,
  idOf,
  openScene,
  type Scene,
} from '../economy.ts'
import { addressOf } from '../trust.ts'

interface Options extends EconomyOptions {
  to?: string
}

/** `heurist stake`: HEU that a node stands behind its work with. */
export function stakeCommand(): Command {
  const stake = new Command('stake').description("A node's stake: add, unbond, cancel, withdraw, show")
  const verb = (name: string, what: string) =>
    economyOptions(stake.command(name).description(what).argument('<node>', 'id of the node'))

  verb('add', 'add HEU to a node; anyone may, and only its owner gets it back. Counts from the next epoch')
    .argument('<heu>')
    .addHelpText('after', '\nExample:\n  $ heurist stake add 1 5000 --key-file owner.json')
    .action(add)
  verb('unbond', 'begin to take stake back: 21 days, and it stops counting at once')
    .argument('<heu>', "how much, or 'all'")
    .addHelpText('after', '\nExample:\n  $ heurist stake unbond 1 all --key-file owner.json')
    .action(unbond)
  verb('cancel', 'make all unbonding stake active again')
    .addHelpText('after', '\nExample:\n  $ heurist stake cancel 1 --key-file owner.json')
    .action(cancel)
  verb('withdraw', 'take the unbonded stake')
    .option('--to <address>', 'who receives it; default: the owner')
    .addHelpText('after', '\nExample:\n  $ heurist stake withdraw 1 --key-file owner.json')
    .action(withdraw)
  verb('show', 'active and unbonding stake, what counts, and the quota of probes it gives')
    .addHelpText('after', '\nExample:\n  $ heurist stake show 1')
    .action(async (text: string, options: Options) => {
      const node = idOf(text, 'node')
      const scene = await openScene(options, node)
      const state = await stakeOf(scene, node)
      await printStake(scene, state)
      scene.print.result(state)
    })
  return stake
}

/** @throws `node.unknown` (refused). */
async function stakeOf({ place, economy }: Scene, node: number): Promise<StakeState> {
  const state = await readStake(place.chain, economy, node)
  if (!/^0x0*$/.test(state.owner)) return state
  throw refused('node.unknown', `there is no node ${node}`, {
    fix: 'Look its id up with `heurist node up`, which registers one.',
  })
}

async function add(text: string, heuText: string, options: Options): Promise<void> {
  const amount = positive(heuText)
  const node = idOf(text, 'node')
  const scene = await openScene(options, node)
  await stakeOf(scene, node)
  const { heu, staking } = scene.economy
  const approval = await heuApproval(scene.place.chain, heu, {
    from: scene.account,
    spender: staking,
    amount,
  })
  await act(scene, node, [...approval, stakeCall.add(staking, node, amount)])
}

/** @throws `stake.insufficient`, `stake.foreign` (refused). */
async function unbond(text: string, heuText: string, options: Options): Promise<void> {
  const { scene, state } = await ownStake(text, options)
  const amount = heuText === 'all' ? state.active : positive(heuText)
  if (amount > state.active || amount === 0n) {
    throw refused('stake.insufficient', `${formatHeu(state.active)} HEU of node ${state.node} are active`, {
      fix: 'Name no more than that.',
      details: { active: state.active.toString(), asked: amount.toString() },
    })
  }
  if (state.unbonding > 0n) {
    scene.print.line(`note: the ${formatHeu(state.unbonding)} HEU that unbond already wait afresh with it`)
  }
  await act(scene, state.node, [stakeCall.unbond(scene.economy.staking, state.node, amount)])
}

/** @throws `stake.resting`, `stake.foreign` (refused). */
async function cancel(text: string, options: Options): Promise<void> {
  const { scene, state } = await ownStake(text, options)
  if (state.unbonding === 0n) throw resting(state.node)
  await act(scene, state.node, [stakeCall.cancel(scene.economy.staking, state.node)])
}

/** @throws `stake.resting`, `stake.foreign` (refused), `stake.unbonding` (later). */
async function withdraw(text: string, options: Options): Promise<void> {
  const { scene, state } = await ownStake(text, options)
  if (state.unbonding === 0n) throw resting(state.node)
  const { now } = await readClock(scene.place.chain)
  if (now < state.unbondAt && !options.dryRun) {
    throw later('stake.unbonding', `it can be withdrawn in ${countdown(state.unbondAt - now)}`, {
      fix: `Come back at ${dateOf(state.unbondAt)}; until then it can still be slashed.`,
      details: { unbondAt: state.unbondAt, seconds: state.unbondAt - now },
    })
  }
  const to = options.to === undefined ? scene.account : addressOf(options.to, '--to')
  await act(scene, state.node, [stakeCall.withdraw(scene.economy.staking, state.node, to)])
}

/** @throws `stake.foreign` (refused) if another account owns the node. */
async function ownStake(text: string, options: Options): Promise<{ scene: Scene; state: StakeState }> {
  const node = idOf(text, 'node')
  const scene = await openScene(options, node)
  const state = await stakeOf(scene, node)
  if (state.owner.toLowerCase() === scene.account.toLowerCase()) return { scene, state }
  throw refused('stake.foreign', `node ${state.node} belongs to ${state.owner}, not to ${scene.account}`, {
    fix: "Name its owner's key with --key-file.",
    details: { owner: state.owner, account: scene.account },
  })
}

async function act(scene: Scene, node: number, calls: readonly Call[]): Promise<void> {
  const outcome = await scene.send(calls)
  const stake = await stakeOf(scene, node)
  if (!outcome.dryRun) await printStake(scene, stake)
  scene.print.result({ ...outcome, stake })
}

async function printStake({ print, place }: Scene, state: StakeState): Promise<void> {
  const { now, epoch } = await readClock(place.chain)
  const { active, unbonding, unbondAt, frozen, counted, countsNext, total, quota } = state
  const due = unbondAt > now ? `in ${countdown(unbondAt - now)}` : 'now: `heurist stake withdraw`'
  print.rows([
    ['node', `${state.node} of ${state.owner}`],
    ['active', `${formatHeu(active)} HEU`],
    ['unbonding', unbonding === 0n ? 'nothing' : `${formatHeu(unbonding)} HEU, ${due}`],
    ...(frozen > 0n ? [['frozen', `${formatHeu(frozen)} HEU, by open cases`] as const] : []),
    [`counts in epoch ${epoch}`, `${formatHeu(counted)} HEU of ${formatHeu(total)} of all nodes`],
    [`counts in epoch ${epoch + 1}`, `${formatHeu(countsNext)} HEU`],
    ['quota of probes', `${quota} units an epoch`],
  ])
}

const resting = (node: number) =>
  refused('stake.resting', `nothing of node ${node} unbonds`, { fix: 'Begin with `heurist stake unbond`.' })

function positive(text: string): bigint {
  const amount = heu(text)
  if (amount > 0n) return amount
  throw refused('amount.invalid', 'nothing is no amount of stake', { fix: 'Name more than 0 HEU.' })
}
