import { Command } from 'commander'
import {
  ballotCalls,
  isIdle,
  mustCount,
  mustVote,
  type Outlook,
  outlookOf,
  type Polls,
  readPolls,
  replacing,
  targetsOf,
  type Wanted,
} from '../../sdk/chain/polls.ts'
import type { BallotName, Target } from '../../sdk/chain/votes.ts'
import { refused } from '../../sdk/errors.ts'
import { formatHeu, formatPercent, formatUsd, percent } from '../../sdk/units.ts'
import {
  countdown,
  type EconomyOptions,
  economyOptions,
  epochDate,
  idOf,
  openScene,
  type Scene,
} from '../economy.ts'

interface Options extends EconomyOptions {
  node?: string
  pod?: string
}

/** `heurist vote`: where the power of a lock stands. */
export function voteCommand(): Command {
  const vote = new Command('vote').description(
    'Vote with your lock for nodes and pods, and share what they earn',
  )
  economyOptions(
    vote
      .command('set')
      .description('these and no other votes on each ballot that is named, from the next epoch'),
  )
    .option('--node <votes>', 'percent of your power per node, such as 1=60,2=40')
    .option('--pod <votes>', 'percent of your power per pod; each ballot has all of it')
    .addHelpText(
      'after',
      '\nExample:\n  $ heurist vote set --node 1=60,2=40 --pod 3=100 --key-file voter.json',
    )
    .action(set)
  economyOptions(vote.command('renew').description('the same votes again, with the lock as it is now'))
    .addHelpText('after', '\nExample:\n  $ heurist vote renew --key-file voter.json')
    .action(renew)
  economyOptions(vote.command('reset').description('take all votes back, from the next epoch'))
    .addHelpText('after', '\nExample:\n  $ heurist vote reset --key-file voter.json')
    .action(reset)
  economyOptions(vote.command('show').description('your votes, their weight, and what they have earned'))
    .addHelpText('after', '\nExample:\n  $ heurist vote show --account 0x…')
    .action(show)
  return vote
}

/** What a voter has to know, and where. */
interface Booth extends Polls {
  scene: Scene
}

async function openBooth(options: Options): Promise<Booth> {
  const scene = await openScene(options)
  const { place, economy, account } = scene
  return { scene, ...(await readPolls(place.chain, economy, { account, router: place.router })) }
}

async function set(options: Options): Promise<void> {
  const wanted = [...parseVotes('node', options.node), ...parseVotes('pod', options.pod)]
  if (wanted.length === 0) {
    throw refused('vote.empty', 'no vote is named', {
      fix: 'Name some with --node 1=60,2=40 or --pod 3=100; `heurist vote reset` takes all back.',
    })
  }
  const polls = await openBooth(options)
  mustVote(polls)
  await cast(polls, replacing(polls.votes, wanted), (admitted, targets) => {
    mustCount(admitted, targets)
    return admitted
  })
}

async function renew(options: Options): Promise<void> {
  const polls = await openBooth(options)
  mustVote(polls)
  const standing = polls.votes.filter(({ bps }) => bps > 0)
  if (standing.length === 0) throw noVotes()
  await cast(polls, standing, dropInactive)
}

async function reset(options: Options): Promise<void> {
  const polls = await openBooth(options)
  const standing = polls.votes.filter(({ bps }) => bps > 0)
  if (standing.length === 0) throw noVotes()
  await cast(
    polls,
    standing.map(({ ballot, id }) => ({ ballot, id, bps: 0 })),
    (wanted) => wanted,
  )
}

/** Shows what the votes would bring as things stand, then sends all of them in one call. */
async function cast(
  { scene, clock, lock }: Booth,
  wanted: readonly Wanted[],
  admit: (wanted: readonly Wanted[], targets: readonly Target[], scene: Scene) => readonly Wanted[],
): Promise<void> {
  const { place, economy, print } = scene
  const targets = await targetsOf(place.chain, economy, { lock, clock }, place.router, wanted)
  const admitted = admit(wanted, targets, scene)
  const outlook = outlookOf({ lock, clock }, targets, admitted)
  print.line(`votes bind from ${epochDate(clock.epoch + 1)} on, in ${countdown(clock.endsAt - clock.now)}`)
  print.rows(outlook.map((each) => [`${each.ballot} ${each.id}`, outlookText(each)]))
  const calls = ballotCalls(economy.votes, admitted)
  print.result({ ...(await scene.send(calls)), epoch: clock.epoch + 1, outlook })
}

function outlookText({ ballot, bps, weight, others, reward, epochs, expected: mine }: Outlook): string {
  if (bps === 0) return 'taken back'
  const all = weight + others
  const share = all === 0n ? 0 : Number((weight * 10_000n) / all)
  const known =
    epochs === 0
      ? 'no epoch is known yet'
      : `${amountText(ballot, reward)} an epoch lately (${epochs} epochs), so ${amountText(ballot, mine)} for you`
  return `${formatPercent(bps)}: ${formatPercent(share)} of its votes; ${known}`
}

const amountText = (ballot: BallotName, amount: bigint): string =>
  ballot === 'node' ? `${formatHeu(amount)} HEU` : `$${formatUsd(amount)}`

async function show(options: Options): Promise<void> {
  const { scene, clock, lock, votes } = await openBooth(options)
  const { print } = scene
  print.line(`epoch ${clock.epoch}, ends in ${countdown(clock.endsAt - clock.now)}`)
  print.rows([
    ['power', `${formatHeu(lock.power)} HEU-weeks, ${formatHeu(lock.nextPower)} in the next epoch`],
    ...votes.map(
      ({ ballot, id, bps, weight, nextWeight, claimable }) =>
        [
          `${ballot} ${id}`,
          `${formatPercent(bps)}: ${formatHeu(weight)} HEU-weeks, next ${formatHeu(nextWeight)}; to claim ${amountText(ballot, claimable)}`,
        ] as const,
    ),
  ])
  print.result({ ...clock, lock, votes })
}

// --------------------------------------------------------------------------------------------------------- rules

/** What counts no more is taken back instead. */
function dropInactive(
  wanted: readonly Wanted[],
  targets: readonly Target[],
  { print }: Scene,
): readonly Wanted[] {
  return wanted.map(({ ballot, id, bps }) => {
    if (!isIdle(targets, { ballot, id })) return { ballot, id, bps }
    print.line(`note: ${ballot} ${id} counts no more; its votes are taken back`)
    return { ballot, id, bps: 0 }
  })
}

const noVotes = () =>
  refused('vote.none', 'no vote stands', { fix: 'Cast some with `heurist vote set --node 1=60,2=40`.' })

/**
 * `1=60,2=40`: percent of the power per id.
 *
 * @throws `vote.invalid`, `vote.twice`, `vote.too_much`, `id.invalid`, `percent.invalid` (refused).
 */
export function parseVotes(ballot: BallotName, text: string | undefined): Wanted[] {
  if (text === undefined) return []
  const votes = text.split(',').map((word) => {
    const [id, share, ...rest] = word.split('=')
    if (id === undefined || share === undefined || rest.length > 0) {
      throw refused('vote.invalid', `'${word}' is no vote`, {
        fix: `Write --${ballot} 1=60,2=40.`,
        field: ballot,
      })
    }
    return { ballot, id: idOf(id.trim(), ballot), bps: percent(share.trim()) }
  })
  if (new Set(votes.map(({ id }) => id)).size < votes.length) {
    throw refused('vote.twice', `a ${ballot} is named twice`, { field: ballot })
  }
  const sum = votes.reduce((total, { bps }) => total + bps, 0)
  if (sum <= 10_000) return votes
  throw refused('vote.too_much', `the votes for ${ballot}s are ${formatPercent(sum)} of your power`, {
    fix: 'Give no more than 100 % on each ballot.',
    field: ballot,
  })
}
