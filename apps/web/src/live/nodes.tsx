import type { Node } from '../network/documents.ts'
import { useView } from '../network/use.ts'
import { LINK, Link } from '../parts/link.tsx'
import { Empty, Section } from '../parts/section.tsx'
import { count, percent } from '../parts/text.tsx'
import { Unknown } from '../parts/unknown.tsx'
import { slotWord } from './slots.tsx'

/** Who serves: what each node has loaded, what it has done, how reliably. */
export function Nodes() {
  const { nodes, pods, known } = useView()
  const nameOf = (id: number) => pods.find((pod) => pod.id === id)?.name ?? `pod ${id}`
  return (
    <Section title="Nodes" note={<Legend />}>
      {!known.nodes ? (
        <Unknown />
      ) : nodes.length === 0 ? (
        <Empty>No node is registered yet. Join with: npx heurist node up</Empty>
      ) : (
        <ul className="divide-y divide-line/70">
          {nodes.map((node) => (
            <li key={node.id} className="py-2.5">
              <div className="flex flex-wrap items-baseline justify-between gap-x-3">
                <p>
                  <span
                    aria-hidden="true"
                    className={`mr-2 inline-block size-2 rounded-full ${node.state === 'live' ? 'bg-accent' : 'border border-edge'}`}
                  />
                  <Link href={`/nodes/${node.id}`} className={LINK}>
                    node {node.id}
                  </Link>{' '}
                  <span className="text-muted">{node.state}</span>
                </p>
                <p className="label figures">{record(node)}</p>
              </div>
              {node.slots.length > 0 && (
                <ul className="mt-1 flex flex-wrap gap-1.5">
                  {node.slots.map((slot) => (
                    <li
                      key={slot.slot}
                      className={`label rounded-full border px-2 py-px ${slot.free || slot.state !== 'warm' ? 'border-line' : 'border-accent text-ink'}`}
                    >
                      {nameOf(slot.pod)} · {slotWord(slot)}
                      {slot.provider === undefined ? '' : ` · ${slot.provider}`}
                    </li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

function record(node: Node): string {
  const failures = node.failures === 0 ? '' : `, ${count(node.failures)} failed`
  return `${count(node.jobs)} served${failures} · up ${percent(node.uptime)}`
}

const Legend = () => <>a slot is one pod on one GPU slice</>
