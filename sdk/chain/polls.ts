import type { Address } from 'viem'
import { refused } from '../errors.ts'
import { startOf } from '../protocol/epochs.ts'
import type { Call } from './call.ts'
import type { Chain } from './clients.ts'
import type { Economy } from './economy.ts'
import { type Clock, readClock } from './epochs.ts'
import { type LockState, readLock } from './locks.ts'
import {
  type BallotName,
  expected,
  readTargets,
  readVotes,
  type Target,
  type Vote,
  voteCall,
  weightOf,
} from './votes.ts'

/** Casting votes: what a voter has to know before, what may be cast, what it may bring. */

/** A vote that somebody wants to cast; 0 bps takes it back. */
export interface Wanted {
  ballot: BallotName
  id: number
  bps: number
}

/** What a voter has to know before voting. */
export interface Polls {
  clock: Clock
  lock: LockState
  votes: Vote[]
}

/** A wanted vote with what it may bring: rewards are HEU wei for a node, base units of the asset for a pod. */
export interface Outlook extends Wanted {
  /** In the next epoch, token-weeks. */
  weight: bigint
  others: bigint
  /** Of all voters of the target, per epoch, on the average of the last `epochs`. */
  reward: bigint
  epochs: number
  /** Of it, for this vote, if nobody else changes anything. */
  expected: bigint
}

const BALLOTS = ['node', 'pod'] as const

export async function readPolls(
  chain: Chain,
  economy: Economy,
  { account, router }: { account: Address; router: Address },
): Promise<Polls> {
  const clock = await readClock(chain)
  const [lock, votes] = await Promise.all([
    readLock(chain, economy, account),
    readVotes(chain, economy, { account, router, epoch: clock.epoch }),
  ])
  return { clock, lock, votes }
}

/** @throws `lock.absent`, `lock.short` (refused). */
export function mustVote({ lock, clock }: Pick<Polls, 'lock' | 'clock'>): void {
  if (lock.amount === 0n) {
    throw refused('lock.absent', `${lock.account} has no lock to vote with`, {
      fix: 'Make one with `heurist lock create`.',
    })
  }
  if (lock.end > clock.epoch + 1) return
  const binds = new Date(startOf(clock.epoch + 1) * 1000).toISOString().slice(0, 16)
  throw refused(
    'lock.short',
    `the lock has no power in epoch ${clock.epoch + 1} (${binds} UTC), when votes bind`,
    {
      fix: 'Lock for longer with `heurist lock extend`, or withdraw and create a new lock.',
      details: { end: lock.end, least: clock.epoch + 2 },
    },
  )
}

/** The wanted votes, and a removal for each that stands on one of their ballots and is not among them. */
export function replacing(standing: readonly Vote[], wanted: readonly Wanted[]): Wanted[] {
  const ballots = new Set(wanted.map(({ ballot }) => ballot))
  const dropped = standing.filter(
    ({ ballot, id, bps }) =>
      bps > 0 && ballots.has(ballot) && !wanted.some((each) => each.ballot === ballot && each.id === id),
  )
  return [...wanted, ...dropped.map(({ ballot, id }) => ({ ballot, id, bps: 0 }))]
}

/** Whether a vote for it would be refused: it does not exist, or does not count in the next epoch. */
export const isIdle = (targets: readonly Target[], { ballot, id }: Omit<Wanted, 'bps'>): boolean =>
  !targets.some((each) => each.ballot === ballot && each.id === id && each.active)

/** @throws `target.inactive` (refused). */
export function mustCount(wanted: readonly Wanted[], targets: readonly Target[]): void {
  const idle = wanted.find((each) => each.bps > 0 && isIdle(targets, each))
  if (!idle) return
  throw refused('target.inactive', `${idle.ballot} ${idle.id} does not exist or does not count next epoch`, {
    fix: 'Vote for another one; votes that stand for it can always be taken back.',
    field: idle.ballot,
  })
}

/** What the targets of these votes shared lately. */
export const targetsOf = (
  chain: Chain,
  economy: Economy,
  { lock, clock }: Pick<Polls, 'lock' | 'clock'>,
  router: Address,
  wanted: readonly Omit<Wanted, 'bps'>[],
): Promise<Target[]> =>
  readTargets(chain, economy, { account: lock.account, router, epoch: clock.epoch }, wanted)

/** What the votes may bring as things stand. Pure. */
export function outlookOf(
  { lock, clock }: { lock: Pick<LockState, 'amount' | 'end'>; clock: Pick<Clock, 'epoch'> },
  targets: readonly Target[],
  wanted: readonly Wanted[],
): Outlook[] {
  return wanted.map((each) => {
    const target = targets.find(({ ballot, id }) => ballot === each.ballot && id === each.id)
    const weight = weightOf(lock, each.bps, clock.epoch + 1)
    const { reward = 0n, others = 0n, epochs = 0 } = target ?? {}
    return { ...each, weight, others, reward, epochs, expected: expected({ reward, others }, weight) }
  })
}

/** All wanted votes in one call, of one ballot or of both; none if there is no vote. */
export function ballotCalls(votes: Address, wanted: readonly Wanted[]): Call[] {
  const [nodes, pods] = BALLOTS.map((ballot) => wanted.filter((each) => each.ballot === ballot))
  if (nodes?.length && pods?.length) return [voteCall.voteBoth(votes, nodes, pods)]
  if (nodes?.length) return [voteCall.vote(votes, 'node', nodes)]
  return pods?.length ? [voteCall.vote(votes, 'pod', pods)] : []
}
