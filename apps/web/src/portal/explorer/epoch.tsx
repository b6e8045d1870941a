import { Fact, FactList, HashFact } from '../../parts/facts.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Columns, Empty, PageHead, Section } from '../../parts/section.tsx'
import { Shown } from '../../parts/shown.tsx'
import { Cell, Row, Table } from '../../parts/table.tsx'
import { count, Heu, Usd } from '../../parts/text.tsx'
import { idIn, type Params } from '../addresses.ts'
import { useChain } from '../place.ts'
import { type EpochDetail, readEpochDetail } from './read.ts'

/** `/explorer/epochs/:epoch`: what an epoch issued, to whom, for what. */
export default function EpochPage({ params }: { params: Params }) {
  const epoch = idIn(params.epoch)
  if (epoch === undefined) return <Empty>An epoch has a number.</Empty>
  return <Epoch epoch={epoch} />
}

function Epoch({ epoch }: { epoch: number }) {
  const answer = useChain(readEpochDetail, epoch)
  return (
    <>
      <PageHead title={`Epoch ${epoch}`}>
        <Link href="/explorer" className={LINK}>
          Explorer
        </Link>
      </PageHead>
      <Shown answer={answer}>
        {(detail) => (
          <div className="space-y-10">
            <Columns>
              <Issued detail={detail} />
              <Counted detail={detail} />
            </Columns>
            <Nodes detail={detail} />
          </div>
        )}
      </Shown>
    </>
  )
}

const day = (second: number): string => new Date(second * 1000).toLocaleString('en')

function Issued({ detail }: { detail: EpochDetail }) {
  const { beginsAt, endsAt, isOver, cap, base, dynamic, issued, finalizedAt } = detail
  return (
    <Section title="Issued">
      <FactList wide>
        <Fact name="From">{day(beginsAt)}</Fact>
        <Fact name="Until">{day(endsAt)}</Fact>
        <Fact name="State">
          {finalizedAt > 0 ? `final since ${day(finalizedAt)}` : isOver ? 'over, not final yet' : 'now'}
        </Fact>
        <Fact name="Cap" is={cap}>
          <Heu amount={cap} />
        </Fact>
        <Fact name="For probes" is={base}>
          <Heu amount={base} />
        </Fact>
        <Fact name="For fees" is={dynamic}>
          <Heu amount={dynamic} />
        </Fact>
        <Fact name="Kept back" is={finalizedAt > 0 ? cap - issued : 0n}>
          {finalizedAt > 0 ? <Heu amount={cap - issued} /> : 'known once it is final'}
        </Fact>
      </FactList>
    </Section>
  )
}

const POINT = 1n << 64n

function Counted({ detail }: { detail: EpochDetail }) {
  const { feeUnits, baseUnits, feePoints, basePoints, burnt, lot, report } = detail
  return (
    <Section title="Counted">
      <FactList wide>
        <Fact name="Fees recorded" is={feeUnits}>
          <Usd amount={feeUnits} /> <span className="text-muted">as {count(feePoints / POINT)} points</span>
        </Fact>
        <Fact name="Probes recorded" is={baseUnits}>
          {count(baseUnits)} <span className="text-muted">as {count(basePoints / POINT)} points</span>
        </Fact>
        <Fact name="Protocol’s fees" is={lot.amount}>
          <Usd amount={lot.amount} />
        </Fact>
        <Fact name="Burnt for them" is={burnt}>
          <Heu amount={burnt} />
        </Fact>
        {report === undefined ? (
          <Fact name="Probe report">none filed</Fact>
        ) : (
          <>
            <Fact name="Probe report">{report.state}</Fact>
            <HashFact name="Prober" hex={report.prober} />
            <HashFact name="Report’s root" hex={report.root} />
          </>
        )}
      </FactList>
    </Section>
  )
}

function Nodes({ detail: { nodes, finalizedAt } }: { detail: EpochDetail }) {
  return (
    <Section title="To nodes">
      {nodes.length === 0 ? (
        <Empty>{finalizedAt > 0 ? 'No node was issued anything.' : 'Known once the epoch is final.'}</Empty>
      ) : (
        <Table name="Emission by node" head={['Node', '#Emission', '#Tips of it, to voters']}>
          {nodes.map(({ node, amount, tip }) => (
            <Row key={node} data-node={node} data-amount={String(amount)}>
              <Cell>
                <Link href={`/nodes/${node}`} className={LINK}>
                  node {node}
                </Link>
              </Cell>
              <Cell figure>
                <Heu amount={amount} />
              </Cell>
              <Cell figure>
                <Heu amount={tip} />
              </Cell>
            </Row>
          ))}
        </Table>
      )}
    </Section>
  )
}
