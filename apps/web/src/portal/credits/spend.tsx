import { useEffect, useState } from 'react'
import { Dollars } from '../../acts/figure.tsx'
import { Unread } from '../../acts/frame.tsx'
import { type Scene, useReading } from '../../acts/scene.ts'
import { Bar } from '../../parts/bars.tsx'
import { mostOf } from '../../parts/scale.ts'
import { Empty, Section } from '../../parts/section.tsx'
import { count } from '../../parts/text.tsx'
import { type Day, dayOf, readSpend, type Spend as Spent } from '../../session/spend.ts'
import { openSessionDb } from '../../session/store.ts'
import { useSession } from '../../session/use.ts'
import { csvOf, paceOf, paceWords } from './pace.ts'

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
      {reading.value ? (
        <>
          <Pace spend={reading.value} />
          <Days spend={reading.value} />
          {reading.value.days.length > 0 && <Export days={reading.value.days} />}
        </>
      ) : (
        <Unread reading={reading} />
      )}
    </Section>
  )
}

/** How long the credit of the key in use lasts; nothing where nothing is spent, or nothing is left. */
function Pace({ spend: { days } }: { spend: Spent }) {
  const { account } = useSession().view
  const pace = account && paceOf(days, account.left, dayOf(Date.now()))
  if (!pace) return null
  return (
    <p className="mb-3" data-pace={pace.until ?? 'long'}>
      {paceWords(pace)}
    </p>
  )
}

/** The days as a file, made here. */
function Export({ days }: { days: readonly Day[] }) {
  const text = csvOf(days)
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [text])
  return (
    <p className="mt-4">
      <a
        href={url}
        download="heurist-spend.csv"
        className="rounded-md border border-edge px-3 py-1 hover:bg-accent-soft"
      >
        Export as CSV
      </a>
    </p>
  )
}

function Days({ spend: { days, before } }: { spend: Spent }) {
  if (days.length === 0 && before === 0n) return <Empty>No call was made from this browser yet.</Empty>
  const most = mostOf(days.map(({ charged }) => charged))
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
              <Bar parts={[{ texture: 'solid', amount: charged }]} most={most} />
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
