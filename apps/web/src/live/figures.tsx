import type { ReactNode } from 'react'
import { useNow, useView } from '../network/use.ts'
import { Ago, count, Usd } from '../parts/text.tsx'

/** Four figures that say how the network is. */
export function Figures() {
  const { nodes, pods, receipts, batches, lastMs } = useView()
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
        note={lastMs === undefined ? 'by all nodes' : `the last one in ${count(lastMs)} ms`}
      >
        {count(nodes.reduce((sum, node) => sum + node.jobs, 0))}
      </Figure>
      <Figure name="Nodes live" note={`${free} of ${slots.length} slots free`}>
        {live.length}
        <span className="text-muted"> / {nodes.length}</span>
      </Figure>
      <Figure name="Paid" note={`in the last ${count(receipts.length)} calls`}>
        <Usd amount={paid} />
      </Figure>
      <Figure
        name="Last settlement"
        note={
          batch ? (
            <>
              {count(batch.leaves)} receipts, <Ago at={batch.settledAt ?? batch.signedAt} now={now} />
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

function Figure({ name, note, children }: { name: string; note: ReactNode; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="label">{name}</dt>
      <dd className="figures mt-0.5 text-[1.65rem] leading-tight font-[520] tracking-[-0.02em]">
        {children}
      </dd>
      <dd className="label mt-0.5">{note}</dd>
    </div>
  )
}
