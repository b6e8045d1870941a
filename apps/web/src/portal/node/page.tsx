import { slotWord } from '../../live/slots.tsx'
import type { Answer } from '../../network/answer.ts'
import { useView } from '../../network/use.ts'
import { Fact, FactList, HashFact } from '../../parts/facts.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Columns, Empty, PageHead, Section } from '../../parts/section.tsx'
import { Shown } from '../../parts/shown.tsx'
import { Cell, Row, Table } from '../../parts/table.tsx'
import { count, Heu, percent, Times, Weight } from '../../parts/text.tsx'
import { Unknown } from '../../parts/unknown.tsx'
import { idIn, type Params } from '../addresses.ts'
import { useChain } from '../place.ts'
import { Earned } from './earned.tsx'
import { hardwareWords, type NodeDetail, readNode } from './read.ts'

/** `/nodes/:node`: one node, by the router's word what it does, by the chain what it has and earned. */
export default function NodePage({ params }: { params: Params }) {
  const id = idIn(params.node)
  if (id === undefined) return <Empty>A node has a number.</Empty>
  return <Node id={id} />
}

function Node({ id }: { id: number }) {
  const { link } = useView()
  const told = useChain(readNode, id)
  // What the router says stands above what the chain says: it comes first, or says that it does not come.
  const answer: Answer<NodeDetail> = link === 'connecting' && told.problem === undefined ? {} : told
  return (
    <>
      <PageHead title={`Node ${id}`}>
        <Link href="/nodes" className={LINK}>
          All nodes
        </Link>
      </PageHead>
      <Shown answer={answer}>
        {(node) => (
          <div className="space-y-10">
            <Columns>
              <Machine id={id} />
              <Standing node={node} />
            </Columns>
            <Earned node={node} />
          </div>
        )}
      </Shown>
    </>
  )
}

function Machine({ id }: { id: number }) {
  const { nodes, pods, known } = useView()
  const node = nodes.find((each) => each.id === id)
  return (
    <Section title="Machine" note="by the router">
      {!known.nodes ? (
        <Unknown />
      ) : node === undefined ? (
        <Empty>This router does not know it.</Empty>
      ) : (
        <>
          <FactList wide>
            <Fact name="State">{node.state}</Fact>
            <Fact name="Hardware">{hardwareWords(node.hardware)}</Fact>
            <Fact name="Uptime">{percent(node.uptime)}</Fact>
            <Fact name="Served" is={node.jobs}>
              {count(node.jobs)} calls, {count(node.failures)} failed, {count(node.inFlight)} running
            </Fact>
          </FactList>
          {node.slots.length > 0 && (
            <div className="mt-3">
              <Table name="Slots" head={['Slot', 'Pod', 'State', 'Runs on']}>
                {node.slots.map((slot) => (
                  <Row key={slot.slot}>
                    <Cell>{slot.slot}</Cell>
                    <Cell>
                      <Link href={`/pods/${slot.pod}`} className={LINK}>
                        {pods.find((pod) => pod.id === slot.pod)?.name ?? `pod ${slot.pod}`}
                      </Link>
                    </Cell>
                    <Cell>{slotWord(slot)}</Cell>
                    <Cell>{slot.provider ?? '–'}</Cell>
                  </Row>
                ))}
              </Table>
            </div>
          )}
        </>
      )}
    </Section>
  )
}

function Standing({ node: { entry, signer, economy, choices } }: { node: NodeDetail }) {
  return (
    <Section title="Standing" note="by the chain">
      <FactList wide>
        <Fact name="Registered">{entry.isActive ? 'counts in this epoch' : 'does not count'}</Fact>
        <HashFact name="Owner" hex={entry.owner} />
        <HashFact name="Paid to" hex={entry.payout} />
        <HashFact name="Signs with" hex={signer} />
        {economy && (
          <>
            <Fact name="Stake" is={economy.stake.active}>
              <Heu amount={economy.stake.active} />
              {economy.stake.unbonding > 0n && (
                <span className="text-muted">
                  , <Heu amount={economy.stake.unbonding} /> on its way out
                </span>
              )}
            </Fact>
            <Fact name="Probes that count" is={economy.stake.quota}>
              at most {count(economy.stake.quota)} in this epoch
            </Fact>
            <Fact name="Votes" is={economy.boost.weight}>
              <Weight amount={economy.boost.weight} />
              <span className="text-muted">
                , next epoch <Weight amount={economy.boost.nextWeight} />
              </span>
            </Fact>
            <Fact name="Boost" is={economy.multiplier}>
              <Times by={economy.multiplier} />
              <span className="text-muted">
                {' '}
                of at most <Times by={BigInt(economy.boost.mostBps) / 10n} />
              </span>
            </Fact>
          </>
        )}
        {choices && (
          <>
            <Fact name="Tip to voters" is={choices.tip}>
              {choices.tip / 100} %
              {choices.nextTip !== choices.tip && (
                <span className="text-muted">, next epoch {choices.nextTip / 100} %</span>
              )}
            </Fact>
            {/^0x0*$/.test(choices.home) ? (
              <Fact name="Home router">none: its calls earn no points</Fact>
            ) : (
              <HashFact name="Home router" hex={choices.home} />
            )}
          </>
        )}
      </FactList>
    </Section>
  )
}
