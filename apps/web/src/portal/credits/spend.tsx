import { Dollars } from '../../acts/figure.tsx'
import { Unread } from '../../acts/frame.tsx'
import { type Scene, useReading } from '../../acts/scene.ts'
import { Empty, Section } from '../../parts/section.tsx'
import { count } from '../../parts/text.tsx'
import { readSpend, type Spend as Spent } from '../../session/spend.ts'
import { openSessionDb } from '../../session/store.ts'

async function read(scene: Scene): Promise<Spent> {
  const router = await scene.router()
  const db = await openSessionDb()
  try {
    return await readSpend(db, { router, chainId: scene.config.chainId, ledger: scene.config.ledger })
  } finally {
    db.close()
  }
}

/** What this browser's keys were charged, by their own journals: no server counts for them. */
export function Spend() {
  const reading = useReading('spend', read)
  return (
    <Section title="Spent by day" note="by this browser’s own journal">
      {reading.value ? <Days spend={reading.value} /> : <Unread reading={reading} />}
    </Section>
  )
}

function Days({ spend: { days, before } }: { spend: Spent }) {
  if (days.length === 0 && before === 0n) return <Empty>No call was made from this browser yet.</Empty>
  const most = Math.max(...days.map(({ charged }) => Number(charged)), 1)
  return (
    <table className="w-full">
      <thead className="label text-left">
        <tr>
          <th className="font-normal">day</th>
          <th className="w-full font-normal">
            <span className="sr-only">as a bar</span>
          </th>
          <th className="px-3 text-right font-normal">calls</th>
          <th className="text-right font-normal">charged</th>
        </tr>
      </thead>
      <tbody>
        {[...days].reverse().map(({ day, charged, calls }) => (
          <tr key={day} data-day={day} data-value={charged.toString()} className="border-t border-line/70">
            <td className="py-1.5 whitespace-nowrap">{day}</td>
            <td className="px-3">
              <svg aria-hidden="true" width="100%" height="8" viewBox="0 0 100 8" preserveAspectRatio="none">
                <rect width={(Number(charged) * 100) / most} height="8" className="fill-accent" />
              </svg>
            </td>
            <td className="px-3 text-right">{count(calls)}</td>
            <td className="text-right">
              <Dollars amount={charged} />
            </td>
          </tr>
        ))}
        {before > 0n && (
          <tr className="border-t border-line/70">
            <td className="py-1.5" colSpan={3}>
              before
            </td>
            <td className="text-right">
              <Dollars amount={before} />
            </td>
          </tr>
        )}
      </tbody>
    </table>
  )
}
