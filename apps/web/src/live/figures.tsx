import type { ReactNode } from 'react'
import { useNow, useView } from '../network/use.ts'
import { Ago, count, plural, Usd } from '../parts/text.tsx'

/** Four figures that say how the network is. */
export function Figures() {
  const { nodes, pods, receipts, batches, lastMs, known } = useView()
  const now = useNow()
  const live = nodes.filter((node) => node.state === 'live')
  const slots = live.flatMap((node) => node.slots)
  const free = pods.reduce((sum, pod) => sum + pod.freeSlots, 0)
  const paid = receipts.reduce((sum, each) => sum + (each.price ?? 0n), 0n)
  const [batch] = batches
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-6 lg:grid-cols-4">
      <Figure
        name="Answers served"
        known={known.nodes}
        note={lastMs === undefined ? 'by all nodes' : `the last one in ${count(lastMs)} ms`}
      >
        {count(nodes.reduce((sum, node) => sum + node.jobs, 0))}
      </Figure>
      <Figure
        name="Nodes live"
        known={known.nodes && known.pods}
        note={`${free} of ${slots.length} slots free`}
      >
        {live.length}
        <span className="text-muted"> / {nodes.length}</span>
      </Figure>
      <Figure name="Paid" known={known.receipts} note={`in the last ${count(receipts.length)} calls`}>
        <Usd amount={paid} />
      </Figure>
      <Figure
        name="Last settlement"
        known={known.batches}
        note={
          batch ? (
            <>
              {plural(batch.leaves, 'receipt')}, <Ago at={batch.settledAt ?? batch.signedAt} now={now} />
            </>
          ) : (
            'none yet'
          )
        }
      >
        {batch ? `batch ${batch.seq}` : '–'}
      </Figure>
    </dl>
  )
}

function Figure({
  name,
  note,
  known,
  children,
}: {
  name: string
  note: ReactNode
  /** Whether the router told it at all. */
  known: boolean
  children: ReactNode
}) {
  return (
    <div className="min-w-0" data-figure={name} data-known={known}>
      <dt className="label">{name}</dt>
      <dd className="figures mt-0.5 text-[1.65rem] leading-tight font-[520] tracking-[-0.02em]">
        {known ? children : '–'}
      </dd>
      <dd className="label mt-0.5">{known ? note : 'not known yet'}</dd>
    </div>
  )
}
