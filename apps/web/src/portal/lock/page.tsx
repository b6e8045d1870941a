import { useState } from 'react'
import type { Address } from 'viem'
import { heuApproval } from '../../../../../sdk/chain/approvals.ts'
import type { Call } from '../../../../../sdk/chain/call.ts'
import { type LockState, lockCall, MOST_LOCK_EPOCHS, readLock } from '../../../../../sdk/chain/locks.ts'
import { power } from '../../../../../sdk/protocol/emission.ts'
import { startOf } from '../../../../../sdk/protocol/epochs.ts'
import { formatHeu, formatPercent } from '../../../../../sdk/units.ts'
import { HeuField, heuIn } from '../../acts/amount.tsx'
import { Figure, Figures, Heu } from '../../acts/figure.tsx'
import { ActsFrame, Unread } from '../../acts/frame.tsx'
import { type Scene, useReading, useWho } from '../../acts/scene.ts'
import { epochDate, Until } from '../../acts/time.tsx'
import { TxButton } from '../../acts/tx.tsx'
import { Section } from '../../parts/section.tsx'
import { changeOf } from './change.ts'
import { PowerCurve } from './curve.tsx'

/** A first lock is offered so long. */
const USUAL_WEEKS = 52

/** `/lock`: HEU locked for votes. */
export default function LockPage() {
  return (
    <ActsFrame
      title="Lock"
      about={`HEU that is locked votes: its power is the amount times the weeks that are left, at most ${MOST_LOCK_EPOCHS}. A lock cannot be left early, moved or shortened.`}
    >
      <Lock />
    </ActsFrame>
  )
}

const lockOf = async ({ chain, economy }: Scene, account: Address): Promise<LockState> =>
  readLock(chain, await economy(), account)

function Lock() {
  const { account } = useWho()
  const reading = useReading(account && `lock ${account}`, (scene) => lockOf(scene, account ?? '0x'))
  if (!account) return <p>Connect a wallet to see what it has locked.</p>
  if (!reading.value) return <Unread reading={reading} />
  const lock = reading.value
  return (
    <>
      {lock.amount > 0n && <Standing lock={lock} />}
      {lock.amount > 0n && lock.end <= lock.epoch ? (
        <Over lock={lock} />
      ) : (
        <Locking key={`${lock.amount} ${lock.end}`} lock={lock} />
      )}
    </>
  )
}

function Standing({ lock }: { lock: LockState }) {
  const { amount, end, epoch, power: now, nextPower, totalPower } = lock
  const share = totalPower === 0n ? 0 : Number((now * 10_000n) / totalPower)
  return (
    <Section title="Your lock">
      <Figures>
        <Figure name="locked" label="locked" value={amount}>
          <Heu amount={amount} />
        </Figure>
        <Figure name="end" label="until" value={end}>
          {epochDate(end)}, {end > epoch ? `${end - epoch} weeks` : 'over'}
        </Figure>
        <Figure name="power" label="power in this epoch" value={now}>
          <Heu amount={now} unit="HEU-weeks" />
        </Figure>
        <Figure name="next-power" label="in the next epoch" value={nextPower}>
          <Heu amount={nextPower} unit="HEU-weeks" />
        </Figure>
        <Figure name="share" label="of all power" value={share}>
          {formatPercent(share)}
        </Figure>
      </Figures>
    </Section>
  )
}

function Over({ lock }: { lock: LockState }) {
  return (
    <Section title="Withdraw">
      <p className="mb-3">Your lock is over. Take it back; then a new one can be made.</p>
      <TxButton
        id="lock.withdraw"
        title={`Withdraw ${formatHeu(lock.amount)} HEU`}
        plan={async (scene) => [lockCall.withdraw((await scene.economy()).escrow)]}
      />
    </Section>
  )
}

function Locking({ lock }: { lock: LockState }) {
  const present = weeksLeft(lock)
  const [text, setText] = useState('')
  // An end, not a span: it stays where it was shown when an epoch turns.
  const [wanted, setWanted] = useState<number>()
  const end = Math.max(
    wanted ?? (present > 0 ? lock.end : lock.epoch + USUAL_WEEKS),
    lock.end,
    lock.epoch + 1,
  )
  const weeks = end - lock.epoch
  const added = text === '' ? 0n : heuIn(text)
  const after = { amount: lock.amount + (added ?? 0n), end }
  const isChange = added !== undefined && (added > 0n || (lock.amount > 0n && weeks > present))
  return (
    <Section title={present > 0 ? 'Add or extend' : 'Make a lock'}>
      <div className="grid gap-x-10 gap-y-5 md:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]">
        <div className="space-y-4">
          <HeuField
            label={present > 0 ? 'HEU to add' : 'HEU to lock'}
            text={text}
            onText={setText}
            most={{ amount: formatHeu(lock.balance), word: 'all' }}
          />
          <Weeks
            least={Math.max(1, present)}
            weeks={weeks}
            end={end}
            onWeeks={(next) => setWanted(lock.epoch + next)}
          />
          <NewPower power={power(after.amount, after.end, lock.epoch + 1)} hasLock={present > 0} />
          <TxButton
            id="lock"
            title={titleOf(lock, added ?? 0n, weeks)}
            disabled={!isChange}
            plan={(scene, account) => plan(scene, account, added ?? 0n, end)}
          />
        </div>
        <figure className="min-w-0">
          <PowerCurve lock={lock} after={isChange ? after : undefined} />
          <figcaption className="label">
            It falls by one HEU-week per HEU each week; the next step is{' '}
            <Until at={startOf(lock.epoch + 1)} />.
          </figcaption>
        </figure>
      </div>
    </Section>
  )
}

/** Whole weeks of power that a lock still has, the present one among them; 0 without one. */
const weeksLeft = ({ amount, end, epoch }: LockState): number => (amount > 0n ? end - epoch : 0)
const weeksText = (weeks: number): string => `${weeks} ${weeks === 1 ? 'week' : 'weeks'}`

interface WeeksProps {
  least: number
  weeks: number
  end: number
  onWeeks: (weeks: number) => void
}

const Weeks = ({ least, weeks, end, onWeeks }: WeeksProps) => (
  <label className="label block space-y-1">
    <span>
      for {weeksText(weeks)}, until {epochDate(end)}
    </span>
    <input
      type="range"
      aria-label="Weeks"
      aria-valuetext={weeksText(weeks)}
      min={least}
      max={MOST_LOCK_EPOCHS}
      value={weeks}
      onChange={(event) => onWeeks(Number(event.target.value))}
      className="block w-full accent-accent"
    />
  </label>
)

function NewPower({ power: next, hasLock }: { power: bigint; hasLock: boolean }) {
  return (
    <>
      <p data-figure="new-power" data-value={next.toString()}>
        <span className="label block">power in the next epoch</span>
        <Heu amount={next} unit="HEU-weeks" />
      </p>
      {hasLock && (
        <p className="label">Votes that stand are of the lock as it is: cast them again after it grew.</p>
      )}
    </>
  )
}

function titleOf(lock: LockState, added: bigint, weeks: number): string {
  const present = weeksLeft(lock)
  const span = weeksText(weeks)
  if (present === 0) return added > 0n ? `Lock ${formatHeu(added)} HEU for ${span}` : 'Lock HEU'
  const parts = [
    ...(added > 0n ? [`add ${formatHeu(added)} HEU`] : []),
    ...(weeks > present ? [`extend to ${span}`] : []),
  ]
  const words = parts.join(' and ') || 'add or extend'
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** @throws `lock.longer`, `weeks.invalid`, `heu.insufficient` (refused). */
async function plan(scene: Scene, account: Address, added: bigint, end: number): Promise<Call[]> {
  const { escrow, heu } = await scene.economy()
  const change = changeOf(await lockOf(scene, account), added, end)
  const approval =
    added === 0n ? [] : await heuApproval(scene.chain, heu, { from: account, spender: escrow, amount: added })
  return [...approval, lockCall.lock(escrow, change.added, change.end)]
}
