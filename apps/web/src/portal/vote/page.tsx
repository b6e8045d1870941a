import { useState } from 'react'
import type { Address } from 'viem'
import type { Call } from '../../../../../sdk/chain/call.ts'
import {
  ballotCalls,
  mustCount,
  mustVote,
  outlookOf,
  type Polls,
  readPolls,
  targetsOf,
  type Wanted,
} from '../../../../../sdk/chain/polls.ts'
import { type BallotName, type Vote, weightOf } from '../../../../../sdk/chain/votes.ts'
import { Figure, Figures, Heu } from '../../acts/figure.tsx'
import { ActsFrame, Unread } from '../../acts/frame.tsx'
import { type Scene, useReading, useWho } from '../../acts/scene.ts'
import { epochDate, Until } from '../../acts/time.tsx'
import { TxButton } from '../../acts/tx.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Section } from '../../parts/section.tsx'
import { Ballot, Reward, type Shares, shareKey, usedOf } from './ballot.tsx'
import { BALLOTS, type Booth, readBooth } from './read.ts'

/** `/vote`: where the power of a lock stands. */
export default function VotePage() {
  return (
    <ActsFrame
      title="Vote"
      about="Two ballots, and all of your power on each of them. Votes bind from the next epoch until they are changed or the lock ends, and share what their targets earn."
    >
      <Voting />
    </ActsFrame>
  )
}

function Voting() {
  const { account } = useWho()
  const reading = useReading(`votes ${account}`, (scene) => readBooth(scene, account))
  if (!reading.value) return <Unread reading={reading} />
  const { polls } = reading.value
  return (
    <>
      {polls && <Power polls={polls} />}
      <Ballots key={account + standingOf(polls)} booth={reading.value} />
    </>
  )
}

/** Where the votes stand, as text: when that changes, the sliders begin anew. */
const standingOf = (polls: Polls | undefined): string =>
  (polls?.votes ?? []).map((vote) => `${shareKey(vote)}=${vote.bps}`).join()

function Power({ polls: { lock, clock } }: { polls: Polls }) {
  return (
    <Section title="Your power">
      <Figures>
        <Figure name="power" label="in this epoch" value={lock.power}>
          <Heu amount={lock.power} unit="HEU-weeks" />
        </Figure>
        <Figure name="next-power" label="in the next epoch" value={lock.nextPower}>
          <Heu amount={lock.nextPower} unit="HEU-weeks" />
        </Figure>
        <Figure name="binds" label="votes bind" value={clock.endsAt}>
          <Until at={clock.endsAt} />
        </Figure>
        {lock.amount > 0n && (
          <Figure name="end" label="lock ends" value={lock.end}>
            {epochDate(lock.end)}
          </Figure>
        )}
      </Figures>
      {lock.amount === 0n && (
        <p className="mt-3">
          You have no lock to vote with.{' '}
          <Link href="/lock" className={LINK}>
            Lock HEU
          </Link>
        </p>
      )}
    </Section>
  )
}

function Ballots({ booth }: { booth: Booth }) {
  const { polls, targets } = booth
  const standing = (polls?.votes ?? []).filter(({ bps }) => bps > 0)
  const [shares, setShares] = useState<Shares>(() =>
    Object.fromEntries(standing.map((vote) => [shareKey(vote), vote.bps])),
  )
  const onShare = polls
    ? (key: string, bps: number) => setShares((before) => ({ ...before, [key]: bps }))
    : undefined
  const wanted = targets.map(({ ballot, id }) => ({ ballot, id, bps: shares[shareKey({ ballot, id })] ?? 0 }))
  const outlook = polls ? outlookOf(polls, targets, wanted) : []
  return (
    <>
      {BALLOTS.map((ballot) => (
        <Ballot
          key={ballot}
          ballot={ballot}
          targets={targets.filter((each) => each.ballot === ballot)}
          outlook={outlook.filter((each) => each.ballot === ballot)}
          shares={shares}
          unlisted={booth.unlisted[ballot]}
          onShare={onShare}
        />
      ))}
      {polls && <Casting booth={booth} polls={polls} shares={shares} wanted={wanted} />}
    </>
  )
}

interface CastingProps {
  booth: Booth
  polls: Polls
  shares: Shares
  wanted: readonly Wanted[]
}

function Casting({ booth, polls, shares, wanted }: CastingProps) {
  const standing = polls.votes.filter(({ bps }) => bps > 0)
  const changed = changedBallots(standing, wanted)
  const stale = staleBallots(polls)
  const ballots = BALLOTS.filter((ballot) => changed.includes(ballot) || stale.includes(ballot))
  const isOver = BALLOTS.some((ballot) => usedOf(shares, ballot) > 10_000)
  const outlook = outlookOf(
    polls,
    booth.targets,
    wanted.filter(({ bps }) => bps > 0),
  )
  return (
    <Section title="Cast">
      <p className="mb-3" data-expected>
        Expected each epoch: <Sum outlook={outlook} ballot="node" /> and{' '}
        <Sum outlook={outlook} ballot="pod" />, on the average of the last epochs and if nobody else changes
        anything.
      </p>
      {stale.length > 0 && (
        <p className="mb-3" data-stale>
          Your lock has grown since you voted: cast again, so that the votes have its new weight.
        </p>
      )}
      <div className="grid gap-4 sm:grid-cols-2">
        <TxButton
          id="vote"
          title="Cast votes"
          disabled={isOver || ballots.length === 0}
          why="One transaction, for both ballots if both change."
          plan={(scene, account) => castPlan(scene, account, ballots, wanted)}
        />
        <TxButton
          id="vote.reset"
          title="Take all votes back"
          tone="quiet"
          disabled={standing.length === 0}
          plan={resetPlan}
        />
      </div>
    </Section>
  )
}

function Sum({ outlook, ballot }: { outlook: ReturnType<typeof outlookOf>; ballot: BallotName }) {
  const sum = outlook
    .filter((each) => each.ballot === ballot)
    .reduce((total, { expected }) => total + expected, 0n)
  return (
    <span data-figure={`expected-${ballot}`} data-value={sum.toString()}>
      <Reward ballot={ballot} amount={sum} />
    </span>
  )
}

const bpsOf = (votes: readonly Wanted[], { ballot, id }: Omit<Wanted, 'bps'>): number =>
  votes.find((each) => each.ballot === ballot && each.id === id)?.bps ?? 0

const changedBallots = (standing: readonly Vote[], wanted: readonly Wanted[]): BallotName[] =>
  BALLOTS.filter((ballot) =>
    [...standing, ...wanted].some(
      (each) => each.ballot === ballot && bpsOf(standing, each) !== bpsOf(wanted, each),
    ),
  )

/** Ballots with a vote that weighs less than it would, cast anew. */
const staleBallots = ({ votes, lock, clock }: Polls): BallotName[] =>
  BALLOTS.filter((ballot) =>
    votes.some(
      (vote) =>
        vote.ballot === ballot && vote.bps > 0 && vote.nextWeight < weightOf(lock, vote.bps, clock.epoch + 1),
    ),
  )

/** Everything that is wanted on these ballots, and the removal of what stands there and is not. */
async function castPlan(
  scene: Scene,
  account: Address,
  ballots: readonly BallotName[],
  wanted: readonly Wanted[],
): Promise<Call[]> {
  const [economy, router] = await Promise.all([scene.economy(), scene.router()])
  const polls = await readPolls(scene.chain, economy, { account, router })
  const all = [
    ...wanted.filter(({ bps }) => bps > 0),
    ...polls.votes
      .filter((vote) => vote.bps > 0 && bpsOf(wanted, vote) === 0)
      .map(({ ballot, id }) => ({ ballot, id, bps: 0 })),
  ].filter(({ ballot }) => ballots.includes(ballot))
  if (all.some(({ bps }) => bps > 0)) mustVote(polls)
  mustCount(all, await targetsOf(scene.chain, economy, polls, router, all))
  return ballotCalls(economy.votes, all)
}

async function resetPlan(scene: Scene, account: Address): Promise<Call[]> {
  const [economy, router] = await Promise.all([scene.economy(), scene.router()])
  const { votes } = await readPolls(scene.chain, economy, { account, router })
  const standing = votes.filter(({ bps }) => bps > 0)
  return ballotCalls(
    economy.votes,
    standing.map(({ ballot, id }) => ({ ballot, id, bps: 0 })),
  )
}
