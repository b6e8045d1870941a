import { type LockState, MOST_LOCK_EPOCHS } from '../../../../../sdk/chain/locks.ts'
import { power } from '../../../../../sdk/protocol/emission.ts'
import { HEU } from '../../../../../sdk/units.ts'
import { epochDate } from '../../acts/time.tsx'
import { useWidth } from '../../network/use.ts'
import { count } from '../../parts/text.tsx'

interface Lock {
  amount: bigint
  end: number
}

const HEIGHT = 190
const MARGIN = { left: 8, right: 8, top: 18, bottom: 22 }

/** Power week by week: of the lock as it stands, and as it would be. */
export function PowerCurve({ lock, after }: { lock: LockState; after: Lock | undefined }) {
  const [ref, width] = useWidth()
  const { epoch } = lock
  const shown = [lock, ...(after ? [after] : [])]
  const last = Math.min(epoch + MOST_LOCK_EPOCHS, Math.max(...shown.map(({ end }) => end), epoch + 4))
  const powers = shown.map(({ amount, end }) => power(amount, end, epoch))
  const top = powers.sort((a, b) => (a < b ? 1 : -1))[0] || 1n
  const x = (at: number) =>
    MARGIN.left + ((at - epoch) / (last + 1 - epoch)) * Math.max(0, width - MARGIN.left - MARGIN.right)
  const y = (amount: bigint) =>
    HEIGHT -
    MARGIN.bottom -
    (Number((amount * 10_000n) / top) / 10_000) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  return (
    <div ref={ref} className="min-w-0">
      <svg
        role="img"
        aria-label={spoken(lock, after, epoch)}
        width={width}
        height={HEIGHT}
        viewBox={`0 0 ${Math.max(width, 1)} ${HEIGHT}`}
      >
        {after && <path d={steps(after, epoch, last, x, y)} className="fill-accent-soft stroke-accent" />}
        {lock.amount > 0n && (
          <path
            d={steps(lock, epoch, last, x, y)}
            className={after ? 'fill-none stroke-edge' : 'fill-accent-soft stroke-accent'}
            strokeDasharray={after ? '4 3' : undefined}
          />
        )}
        <line
          x1={MARGIN.left}
          x2={Math.max(width - MARGIN.right, MARGIN.left)}
          y1={y(0n)}
          y2={y(0n)}
          className="stroke-line"
        />
        <text x={MARGIN.left} y={HEIGHT - 6} className="fill-muted text-[0.75rem]">
          {epochDate(epoch)}
        </text>
        <text x={width - MARGIN.right} y={HEIGHT - 6} textAnchor="end" className="fill-muted text-[0.75rem]">
          {epochDate(last)}
        </text>
        <text x={MARGIN.left} y={12} className="fill-muted text-[0.75rem]">
          {count(top / HEU)} HEU-weeks
        </text>
      </svg>
    </div>
  )
}

/** One step a week, closed along the ground. */
function steps(
  { amount, end }: Lock,
  from: number,
  to: number,
  x: (epoch: number) => number,
  y: (amount: bigint) => number,
): string {
  const weeks = Array.from({ length: to + 1 - from }, (_, index) => from + index)
  const path = weeks.map((week) => {
    const level = y(power(amount, end, week)).toFixed(1)
    return `L${x(week).toFixed(1)} ${level} L${x(week + 1).toFixed(1)} ${level}`
  })
  return `M${x(from).toFixed(1)} ${y(0n).toFixed(1)} ${path.join(' ')} L${x(to + 1).toFixed(1)} ${y(0n).toFixed(1)} Z`
}

function spoken(lock: Lock, after: Lock | undefined, epoch: number): string {
  const say = ({ amount, end }: Lock) =>
    `${count(power(amount, end, epoch) / HEU)} HEU-weeks in this epoch, none from ${epochDate(end)} on`
  const now = lock.amount > 0n ? `Power of the lock: ${say(lock)}.` : 'No lock.'
  return after ? `${now} As it would be: ${say(after)}.` : now
}
