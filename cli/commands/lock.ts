import { Command } from 'commander'
import { heuApproval } from '../../sdk/chain/approvals.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { type LockState, lockCall, lockEnd, MOST_LOCK_EPOCHS, readLock } from '../../sdk/chain/locks.ts'
import { refused } from '../../sdk/errors.ts'
import { formatHeu, formatPercent, heu } from '../../sdk/units.ts'
import { type EconomyOptions, economyOptions, epochDate, openScene, type Scene } from '../economy.ts'
import { addressOf } from '../trust.ts'

interface Options extends EconomyOptions {
  weeks?: string
  for?: string
}

const WEEKS = `how many weeks from now it counts, 1 to ${MOST_LOCK_EPOCHS}`

/** `heurist lock`: HEU locked for votes. */
export function lockCommand(): Command {
  const lock = new Command('lock').description('Lock HEU for votes: create, add, extend, withdraw')
  economyOptions(
    lock.command('create').description('lock HEU; it cannot be left early or moved').argument('<heu>'),
  )
    .requiredOption('--weeks <n>', WEEKS)
    .addHelpText('after', '\nExample:\n  $ heurist lock create 1000 --weeks 52 --key-file voter.json')
    .action(create)
  economyOptions(lock.command('add').description('add HEU to the lock').argument('<heu>'))
    .option('--for <address>', 'to the lock of another account, which alone gets it back')
    .addHelpText('after', '\nExample:\n  $ heurist lock add 250 --key-file voter.json')
    .action(add)
  economyOptions(lock.command('extend').description('lock for longer'))
    .requiredOption('--weeks <n>', WEEKS)
    .addHelpText('after', '\nExample:\n  $ heurist lock extend --weeks 104 --key-file voter.json')
    .action(extend)
  economyOptions(lock.command('withdraw').description('take the HEU back once the lock is over'))
    .addHelpText('after', '\nExample:\n  $ heurist lock withdraw --key-file voter.json')
    .action(withdraw)
  economyOptions(lock.command('show').description('what is locked, until when, and the power it has'))
    .addHelpText('after', '\nExample:\n  $ heurist lock show --account 0x…')
    .action(async (options: Options) => {
      const scene = await openScene(options)
      const state = await lockOf(scene)
      printLock(scene, state)
      scene.print.result(state)
    })
  return lock
}

const lockOf = ({ place, economy, account }: Scene): Promise<LockState> =>
  readLock(place.chain, economy, account)

/** @throws `lock.exists` (refused). */
async function create(text: string, options: Options): Promise<void> {
  const amount = positive(text)
  const scene = await openScene(options)
  const before = await lockOf(scene)
  const { amount: locked, end, epoch } = before
  if (locked > 0n) {
    throw refused('lock.exists', `${formatHeu(locked)} HEU are locked until ${epochDate(end)}`, {
      fix:
        end > epoch
          ? 'Use `heurist lock add` and `heurist lock extend`.'
          : 'It is over: `heurist lock withdraw` first.',
    })
  }
  const { escrow } = scene.economy
  const calls = [
    ...(await approval(scene, amount)),
    lockCall.lock(escrow, amount, lockEnd(epoch, Number(options.weeks))),
  ]
  await act(scene, before, calls)
}

/** @throws `lock.absent`, `lock.over` (refused). */
async function add(text: string, options: Options): Promise<void> {
  const amount = positive(text)
  const scene = await openScene(options)
  const { escrow } = scene.economy
  const target = options.for === undefined ? scene.account : addressOf(options.for, '--for')
  const before = living(await readLock(scene.place.chain, scene.economy, target))
  const call =
    options.for === undefined ? lockCall.lock(escrow, amount, 0) : lockCall.give(escrow, target, amount)
  await act(scene, before, [...(await approval(scene, amount)), call])
}

/** @throws `lock.absent`, `lock.over`, `lock.longer` (refused). */
async function extend(options: Options): Promise<void> {
  const scene = await openScene(options)
  const state = living(await lockOf(scene))
  const end = lockEnd(state.epoch, Number(options.weeks))
  if (end <= state.end) {
    throw refused('lock.longer', `the lock lasts until ${epochDate(state.end)} already`, {
      fix: `Name more than ${state.end - state.epoch} weeks: a lock never becomes shorter.`,
      details: { end: state.end, asked: end },
    })
  }
  await act(scene, state, [lockCall.lock(scene.economy.escrow, 0n, end)])
}

/** @throws `lock.absent`, `lock.running` (refused). */
async function withdraw(options: Options): Promise<void> {
  const scene = await openScene(options)
  const before = await lockOf(scene)
  const { amount, end, epoch } = before
  if (amount === 0n) throw absent(scene.account)
  if (end > epoch && !options.dryRun) {
    throw refused('lock.running', `the lock ends with the beginning of ${epochDate(end)}`, {
      fix: 'Come back then. Nobody can open it before, and nobody can keep it shut after.',
      details: { end, epoch },
    })
  }
  await act(scene, before, [lockCall.withdraw(scene.economy.escrow)])
}

async function act(scene: Scene, before: LockState, calls: readonly Call[]): Promise<void> {
  const outcome = await scene.send(calls)
  const lock = await lockOf(scene)
  if (!outcome.dryRun) {
    printLock(scene, lock)
    const grew = before.amount > 0n && lock.amount > 0n
    if (grew)
      scene.print.line('  votes that stand are of the lock as it was: `heurist vote renew` casts them anew')
  }
  scene.print.result({ ...outcome, lock })
}

function printLock({ print }: Scene, lock: LockState): void {
  const { amount, end, epoch, power, nextPower, totalPower, balance } = lock
  if (amount === 0n) {
    print.rows([
      ['locked', 'nothing'],
      ['free HEU', formatHeu(balance)],
    ])
    return
  }
  const left = end > epoch ? `${end - epoch} weeks left` : 'over: `heurist lock withdraw`'
  const share = totalPower === 0n ? 0 : Number((power * 10_000n) / totalPower)
  print.rows([
    ['locked', `${formatHeu(amount)} HEU`],
    ['until', `${epochDate(end)}, ${left}`],
    ['power', `${formatHeu(power)} HEU-weeks in epoch ${epoch}, ${formatPercent(share)} of all`],
    ['next epoch', `${formatHeu(nextPower)} HEU-weeks`],
    ['free HEU', formatHeu(balance)],
  ])
}

const approval = ({ place, economy, account }: Scene, amount: bigint): Promise<Call[]> =>
  heuApproval(place.chain, economy.heu, { from: account, spender: economy.escrow, amount })

function living(lock: LockState): LockState {
  if (lock.amount === 0n) throw absent(lock.account)
  if (lock.end > lock.epoch) return lock
  throw refused('lock.over', `the lock of ${lock.account} is over`, {
    fix: 'Withdraw it with `heurist lock withdraw`, then create a new one.',
  })
}

const absent = (account: string) =>
  refused('lock.absent', `${account} has no lock`, { fix: 'Make one with `heurist lock create`.' })

function positive(text: string): bigint {
  const amount = heu(text)
  if (amount > 0n) return amount
  throw refused('amount.invalid', 'nothing is no amount to lock', { fix: 'Name more than 0 HEU.' })
}
