import { Figures } from '../live/figures.tsx'
import { LiveMap } from '../live/map.tsx'
import { Balances, Batches } from '../live/money.tsx'
import { Nodes } from '../live/nodes.tsx'
import { Receipts } from '../live/receipts.tsx'
import { RunningJobs } from '../live/running.tsx'

/** `/`: the network as it works. */
export default function LivePage() {
  return (
    <div className="space-y-10">
      <section aria-labelledby="live" className="space-y-5">
        <h1 id="live" className="max-w-[38rem] text-[1.55rem] leading-snug sm:text-[1.9rem]">
          Every answer is priced, receipted and settled. <span className="text-muted">Watch it happen.</span>
        </h1>
        <LiveMap />
        <RunningJobs />
      </section>
      <Figures />
      <div className="grid gap-x-12 gap-y-10 lg:grid-cols-[minmax(0,1.75fr)_minmax(0,1fr)]">
        <div className="min-w-0">
          <Receipts />
        </div>
        <div className="min-w-0 space-y-10">
          <Nodes />
          <Balances />
          <Batches />
        </div>
      </div>
    </div>
  )
}
