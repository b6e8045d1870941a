import { useState } from 'react'
import type { Outlook } from '../../../../../sdk/chain/polls.ts'
import type { BallotName, Target } from '../../../../../sdk/chain/votes.ts'
import { formatPercent, percent } from '../../../../../sdk/units.ts'
import { Dollars, Heu } from '../../acts/figure.tsx'
import { useView } from '../../network/use.ts'
import { INPUT } from '../../parts/field.tsx'
import { Empty, Section } from '../../parts/section.tsx'

/** Basis points of the account's power by target, as they are on the page. */
export type Shares = Readonly<Record<string, number>>
export const shareKey = ({ ballot, id }: { ballot: BallotName; id: number }): string => `${ballot} ${id}`

export const usedOf = (shares: Shares, ballot: BallotName): number =>
  Object.entries(shares)
    .filter(([key]) => key.startsWith(`${ballot} `))
    .reduce((sum, [, bps]) => sum + bps, 0)

interface Props {
  ballot: BallotName
  targets: readonly Target[]
  outlook: readonly Outlook[]
  shares: Shares
  unlisted: number
  /** Absent where nobody is connected. */
  onShare: ((key: string, bps: number) => void) | undefined
}

const WORDS = {
  node: { title: 'Nodes', shares: 'Voters of a node share the tip that it gives of its emission, in HEU.' },
  pod: { title: 'Pods', shares: 'Voters of a pod share the voters’ part of what it earns, in dollars.' },
} as const

/** One ballot: every target with its slider, and what a vote for it may bring. */
export function Ballot({ ballot, targets, outlook, shares, unlisted, onShare }: Props) {
  const used = usedOf(shares, ballot)
  const { title, shares: about } = WORDS[ballot]
  return (
    <Section
      title={title}
      note={
        <span data-figure={`used-${ballot}`} data-value={used}>
          {formatPercent(used)} of your power used
        </span>
      }
    >
      <p className="label mb-3">{about}</p>
      {targets.length === 0 && <Empty>Nobody can be voted for yet.</Empty>}
      <ul className="divide-y divide-line/70">
        {targets.map((target) => (
          <Row
            key={target.id}
            target={target}
            outlook={outlook.find(({ id }) => id === target.id)}
            bps={shares[shareKey(target)] ?? 0}
            onShare={onShare && ((bps) => onShare(shareKey(target), bps))}
          />
        ))}
      </ul>
      {unlisted > 0 && (
        <p className="label mt-3">
          {unlisted} older ones are not listed: `heurist vote set --{ballot} ID=PERCENT` reaches all.
        </p>
      )}
      {used > 10_000 && (
        <p role="status" className="mt-3">
          That is more than all of your power. Take some back on this ballot.
        </p>
      )}
    </Section>
  )
}

interface RowProps {
  target: Target
  outlook: Outlook | undefined
  bps: number
  onShare: ((bps: number) => void) | undefined
}

function Row({ target, outlook, bps, onShare }: RowProps) {
  const name = useName(target)
  const { ballot, id, active } = target
  return (
    <li
      className="grid gap-x-6 gap-y-1 py-2.5 md:grid-cols-[minmax(0,1fr)_16rem_minmax(0,1fr)]"
      data-target={`${ballot} ${id}`}
    >
      <p>
        {name} {!active && <span className="text-muted">counts no more: take it back</span>}
        <span className="label block">
          <Lately target={target} />
        </span>
      </p>
      {onShare && <Share name={name} bps={bps} active={active} onShare={onShare} />}
      {onShare && outlook && bps > 0 && (
        <p
          data-figure="expected"
          data-value={outlook.expected.toString()}
          data-weight={outlook.weight.toString()}
        >
          <span className="label block">
            {formatPercent(shareOf(outlook))} of its votes; expected each epoch
          </span>
          {outlook.epochs === 0 ? (
            <span className="text-muted">no epoch is known yet</span>
          ) : (
            <Reward ballot={ballot} amount={outlook.expected} />
          )}
        </p>
      )}
    </li>
  )
}

function Share({
  name,
  bps,
  active,
  onShare,
}: {
  name: string
  bps: number
  active: boolean
  onShare: (bps: number) => void
}) {
  const most = active ? 10_000 : bps
  /** As it is typed; what is no percentage changes nothing. */
  const [text, setText] = useState<string>()
  return (
    <div className="flex items-center gap-3">
      <input
        type="range"
        aria-label={`Votes for ${name}`}
        aria-valuetext={formatPercent(bps)}
        min={0}
        max={most}
        step={100}
        value={bps}
        onChange={(event) => onShare(Number(event.target.value))}
        className="min-w-0 flex-1 accent-accent"
      />
      <input
        aria-label={`Percent for ${name}`}
        inputMode="decimal"
        autoComplete="off"
        value={text ?? bps / 100}
        onChange={(event) => {
          setText(event.target.value)
          onShare(bpsIn(event.target.value) ?? bps)
        }}
        onBlur={() => setText(undefined)}
        className={`w-16 text-right ${INPUT}`}
      />
      <span aria-hidden="true">%</span>
    </div>
  )
}

function bpsIn(text: string): number | undefined {
  try {
    return percent(text.trim())
  } catch {
    return undefined
  }
}

const shareOf = ({ weight, others }: Outlook): number =>
  weight + others === 0n ? 0 : Number((weight * 10_000n) / (weight + others))

function Lately({ target: { ballot, reward, epochs, others } }: { target: Target }) {
  const weight = <Heu amount={others} unit="HEU-weeks of others" />
  if (epochs === 0) return weight
  return (
    <>
      <Reward ballot={ballot} amount={reward} /> an epoch lately, {weight}
    </>
  )
}

export const Reward = ({ ballot, amount }: { ballot: BallotName; amount: bigint }) =>
  ballot === 'node' ? <Heu amount={amount} /> : <Dollars amount={amount} />

function useName({ ballot, id }: Target): string {
  const { pods } = useView()
  const pod = ballot === 'pod' ? pods.find((each) => each.id === id) : undefined
  return pod ? pod.name : `${ballot} ${id}`
}
