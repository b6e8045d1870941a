import { useNow, useView } from '../network/use.ts'
import { Short } from '../parts/text.tsx'

const MOST = 4

/** The calls of this moment in words; screen readers hear how many, not every tick. */
export function RunningJobs() {
  const { running, link } = useView()
  const now = useNow(running.length > 0 ? 250 : 5_000)
  const shown = running.slice(-MOST)
  return (
    <div className="flex min-h-6 flex-wrap gap-x-5 gap-y-1 text-[0.87rem] text-muted">
      <p role="status">{sentence(link, running.length)}</p>
      {shown.map((job, index) => (
        <p key={job.request} aria-hidden="true" className={`figures ${index > 0 ? 'max-sm:hidden' : ''}`}>
          {job.pod} <Short hex={job.request} /> {job.node === undefined ? 'waits' : `on node ${job.node}`}{' '}
          {(Math.max(0, now - job.since) / 1000).toFixed(1)} s
        </p>
      ))}
    </div>
  )
}

function sentence(link: string, running: number): string {
  if (link === 'connecting') return 'Connecting to the router…'
  if (link === 'lost') return 'The router does not answer. Trying again…'
  if (running === 0) return 'No call is running.'
  return running === 1 ? 'One call is running.' : `${running} calls are running.`
}
