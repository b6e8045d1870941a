import { receiptPath } from '../../network/address.ts'
import { useLive } from '../../network/use.ts'
import { CheckList } from '../../parts/checks.tsx'
import { Fact, FactList, HashFact } from '../../parts/facts.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Columns, Empty, PageHead, Section } from '../../parts/section.tsx'
import { Shown } from '../../parts/shown.tsx'
import { Cell, Row, Table } from '../../parts/table.tsx'
import { count, plural, Short, Usd } from '../../parts/text.tsx'
import { verdictOf } from '../../parts/verdict.ts'
import { addressIn, type Params } from '../addresses.ts'
import { useChainOnce } from '../place.ts'
import { type BatchDetail, readBatch } from './batch-read.ts'

/** `/explorer/batches/:router/:seq`: a batch as the chain took it, added up here. */
export default function BatchPage({ params }: { params: Params }) {
  const router = addressIn(params.router)
  const seq = /^\d{1,15}$/.test(params.seq ?? '') ? params.seq : undefined
  if (router === undefined || seq === undefined)
    return <Empty>A batch is a router’s address and a number.</Empty>
  return <Batch router={router} seq={seq} />
}

function Batch({ router, seq }: { router: string; seq: string }) {
  const { config } = useLive()
  const answer = useChainOnce(readBatch, config.routerUrl, router, seq)
  return (
    <>
      <PageHead title={`Batch ${seq}`}>
        of the router <Short hex={router} /> ·{' '}
        <Link href="/explorer" className={LINK}>
          Explorer
        </Link>
      </PageHead>
      <Shown answer={answer}>
        {(batch) => (
          <div className="space-y-10">
            <Columns>
              <Settled batch={batch} />
              <Checked batch={batch} />
            </Columns>
            {batch.lines && <Lines lines={batch.lines} />}
            <Leaves batch={batch} />
          </div>
        )}
      </Shown>
    </>
  )
}

const Settled = ({ batch }: { batch: BatchDetail }) => (
  <Section title="Settled">
    <FactList>
      <Fact name="When">{new Date(batch.settledAt * 1000).toLocaleString('en')}</Fact>
      <Fact name="Block" is={batch.block}>
        {count(batch.block)}
      </Fact>
      <Fact name="Gross" is={batch.gross}>
        <Usd amount={batch.gross} />
      </Fact>
      <HashFact name="Root" hex={batch.root} />
      <HashFact name="Transaction" hex={batch.txHash} />
      <HashFact name="Data hash" hex={batch.dataHash} />
    </FactList>
  </Section>
)

/** What each check of `readBatch` means. */
const TITLES: Record<string, string> = {
  root: 'Root that the ledger keeps',
  debits: 'Debits add up to the gross',
  nodes: 'Credits of nodes add up to the gross',
  pods: 'Credits of pods add up to the gross',
  frontends: 'Credits of frontends are no more than the gross',
  data: 'Published leaves make the root',
}

const Checked = ({ batch: { checks } }: { batch: BatchDetail }) => (
  <Section title="Checked in this browser">
    <CheckList
      lines={checks.map((check) => ({
        check,
        title: TITLES[check.name] ?? check.name,
        verdict: verdictOf(check),
      }))}
    />
  </Section>
)

function Lines({ lines }: { lines: NonNullable<BatchDetail['lines']> }) {
  const { debits, nodes, pods, frontends } = lines
  const credits = [
    ...nodes.map((line) => ({ ...line, role: 'node' })),
    ...pods.map((line) => ({ ...line, role: 'pod' })),
    ...frontends.map((line) => ({ ...line, role: 'frontend' })),
  ]
  return (
    <Columns>
      <Section title="Debits" note={plural(debits.length, 'payer')}>
        <Table name="Debits" head={['Payer', '#Charge', 'Out of']}>
          {debits.map(({ payer, charge, skipped }, index) => (
            <Row key={payer ?? index} data-payer={payer} data-charge={String(charge)}>
              <Cell>{payer ? <Short hex={payer} /> : 'no valid signature'}</Cell>
              <Cell figure>
                <Usd amount={charge} />
              </Cell>
              <Cell>{skipped ? `the router’s float (${skipped})` : 'its credit'}</Cell>
            </Row>
          ))}
        </Table>
      </Section>
      <Section title="Credits" note="each role by itself">
        <Table name="Credits" head={['To', '#Gross of its calls']}>
          {credits.map(({ role, id, amount }) => (
            <Row key={`${role} ${id}`} data-credit={`${role} ${id}`} data-amount={String(amount)}>
              <Cell>
                {role === 'frontend' ? (
                  `frontend ${id}`
                ) : (
                  <Link href={`/${role}s/${id}`} className={LINK}>
                    {role} {id}
                  </Link>
                )}
              </Cell>
              <Cell figure>
                <Usd amount={amount} />
              </Cell>
            </Row>
          ))}
        </Table>
      </Section>
    </Columns>
  )
}

function Leaves({ batch: { leaves, count: all } }: { batch: BatchDetail }) {
  if (leaves === undefined || all === undefined) return null
  const note =
    leaves.length < all ? `the first ${count(leaves.length)} of ${count(all)}` : `${count(all)} in all`
  return (
    <Section title="Leaves" note={note}>
      <Table name="Leaves" head={['Request', 'Payer', '#Its call', '#Charged in all', 'Node', 'Pod']}>
        {leaves.map((leaf) => (
          <Row key={leaf.request} data-leaf={leaf.request}>
            <Cell>
              <Link href={receiptPath(leaf.request)} className={LINK}>
                <Short hex={leaf.request} />
              </Link>
            </Cell>
            <Cell>
              <Short hex={leaf.payer} />
            </Cell>
            <Cell figure>{count(leaf.count)}</Cell>
            <Cell figure>
              <Usd amount={leaf.charged} />
            </Cell>
            <Cell>{leaf.node}</Cell>
            <Cell>{leaf.pod}</Cell>
          </Row>
        ))}
      </Table>
    </Section>
  )
}
