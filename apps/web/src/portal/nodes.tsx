import { slotWord } from '../live/slots.tsx'
import type { Node } from '../network/documents.ts'
import { useView } from '../network/use.ts'
import { LINK, Link } from '../parts/link.tsx'
import { PageHead } from '../parts/section.tsx'
import { Shown } from '../parts/shown.tsx'
import { Cell, Row, Table } from '../parts/table.tsx'
import { count, Heu, percent, Times, Usd } from '../parts/text.tsx'
import { hardwareWords, type NodeStanding, readNodes } from './node/read.ts'
import { useChain } from './place.ts'

/** `/nodes`: who serves, what stands behind it, what it earned. */
export default function NodesPage() {
  const { nodes: live, pods, known } = useView()
  const chain = useChain(readNodes)
  const nameOf = (id: number) => pods.find((pod) => pod.id === id)?.name ?? `pod ${id}`
  return (
    <>
      <PageHead title="Nodes">
        Machines that serve pods. What they are and have loaded is the router’s word; stake, votes and
        earnings are read from the chain.
      </PageHead>
      <Shown answer={chain}>
        {({ total, nodes }) => (
          <>
            {nodes.length < total && (
              <p className="label">
                The newest {count(nodes.length)} of {count(total)}. Each older one has its page too: /nodes/
                and its number.
              </p>
            )}
            <Table
              name="Nodes"
              head={['Node', 'Serves', 'Hardware', '#Uptime', '#Served', '#Stake', '#Boost', '#Earned']}
            >
              {nodes.map((node) => {
                const seen = live.find(({ id }) => id === node.id)
                return (
                  <Row key={node.id} data-node={node.id}>
                    <Cell>
                      <Link href={`/nodes/${node.id}`} className={`${LINK} whitespace-nowrap`}>
                        node {node.id}
                      </Link>
                      <span className="label block">{stateOf(node, seen, known.nodes)}</span>
                    </Cell>
                    <Cell wide>{seen ? slotWords(seen, nameOf) : '–'}</Cell>
                    <Cell wide>{seen ? hardwareWords(seen.hardware) : '–'}</Cell>
                    <Cell figure>{seen ? percent(seen.uptime) : '–'}</Cell>
                    <Cell figure>{seen ? count(seen.jobs) : '–'}</Cell>
                    <Cell figure>{node.economy ? <Heu amount={node.economy.stake.active} /> : '–'}</Cell>
                    <Cell figure>{node.economy ? <Times by={node.economy.multiplier} /> : '–'}</Cell>
                    <Cell figure>
                      <Usd amount={node.entry.claimable + node.entry.claimed} />
                    </Cell>
                  </Row>
                )
              })}
            </Table>
          </>
        )}
      </Shown>
    </>
  )
}

const stateOf = ({ entry }: NodeStanding, seen: Node | undefined, isTold: boolean): string =>
  entry.isActive ? (seen?.state ?? (isTold ? 'unknown here' : 'not known yet')) : 'retired'

function slotWords({ slots }: Node, nameOf: (pod: number) => string): string {
  if (slots.length === 0) return 'nothing now'
  return slots.map((slot) => `${nameOf(slot.pod)} (${slotWord(slot)})`).join(', ')
}
