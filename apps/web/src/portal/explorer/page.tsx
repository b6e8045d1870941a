import { type FormEvent, useState } from 'react'
import { ReceiptTable } from '../../live/receipts.tsx'
import { go, receiptPath } from '../../network/address.ts'
import { useNow, useView } from '../../network/use.ts'
import { Button } from '../../parts/button.tsx'
import { Fact, FactList } from '../../parts/facts.tsx'
import { INPUT } from '../../parts/field.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Empty, PageHead, Section } from '../../parts/section.tsx'
import { Shown } from '../../parts/shown.tsx'
import { Cell, Row, Table } from '../../parts/table.tsx'
import { Ago, count, Heu, plural, Short, Usd } from '../../parts/text.tsx'
import { Unknown } from '../../parts/unknown.tsx'
import { addressIn, hashIn } from '../addresses.ts'
import { useChain } from '../place.ts'
import { type EpochList, readBatches, readEpochs } from './read.ts'

/** `/explorer`: jobs by the router, batches and epochs by the chain. */
export default function ExplorerPage() {
  const { link } = useView()
  return (
    <>
      <PageHead title="Explorer">
        Every job has a receipt, every receipt a place in a batch, every batch a root on the chain.
      </PageHead>
      <div className="space-y-10">
        <Jobs />
        {/* It reads at once, and stands under the jobs when they are there: nothing is pushed down. */}
        <div hidden={link === 'connecting'} className="space-y-10">
          <Batches />
          <Epochs />
        </div>
      </div>
    </>
  )
}

function Jobs() {
  const { receipts, known } = useView()
  const [payer, setPayer] = useState<string>()
  const shown = payer === undefined ? receipts : receipts.filter((each) => each.payer === payer)
  return (
    <Section
      title="Jobs"
      note={known.receipts ? `the newest ${count(receipts.length)} of this router` : undefined}
    >
      <Search onPayer={setPayer} />
      {payer !== undefined && known.receipts && (
        <p className="mb-2" role="status">
          {plural(shown.length, 'call')} of <Short hex={payer} />{' '}
          <Button tone="plain" onClick={() => setPayer(undefined)}>
            Show all
          </Button>
        </p>
      )}
      {!known.receipts ? (
        <Unknown />
      ) : shown.length === 0 ? (
        <Empty>No call is listed.</Empty>
      ) : (
        <ReceiptTable receipts={shown} />
      )}
    </Section>
  )
}

/** Goes to the receipt of a hash, or lists the calls of a payer. */
function Search({ onPayer }: { onPayer: (payer: string) => void }) {
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(false)
  function search(event: FormEvent) {
    event.preventDefault()
    const asked = text.trim()
    const [request, payer] = [hashIn(asked), addressIn(asked)]
    setWrong(request === undefined && payer === undefined)
    if (request !== undefined) go(receiptPath(request))
    if (payer !== undefined) onPayer(payer)
  }
  return (
    <search>
      <form className="mb-3 flex flex-wrap gap-2" onSubmit={search}>
        <label className="min-w-0 grow basis-72">
          <span className="sr-only">Request hash or payer’s address</span>
          <input
            value={text}
            onChange={(event) => setText(event.target.value)}
            placeholder="Request hash, or a payer’s address: 0x…"
            spellCheck={false}
            aria-invalid={wrong}
            aria-describedby={wrong ? 'search-wrong' : undefined}
            className={`${INPUT} w-full font-mono text-[0.86em]`}
          />
        </label>
        <Button type="submit">Search</Button>
        {wrong && (
          <p id="search-wrong" role="alert" className="basis-full">
            A request is 0x and 64 hexadecimal digits, an address 0x and 40.
          </p>
        )}
      </form>
    </search>
  )
}

function Batches() {
  const { batches: told } = useView()
  const chain = useChain(readBatches)
  const now = useNow()
  const leavesOf = (seq: bigint) => told.find((each) => each.seq === seq)?.leaves
  return (
    <Section title="Batches" note="settled on chain">
      <Shown answer={chain}>
        {({ router, batches }) =>
          batches.length === 0 ? (
            <Empty>Nothing has been settled yet.</Empty>
          ) : (
            <Table name="Batches" head={['Batch', 'When', '#Receipts', '#Gross', 'Root', 'Transaction']}>
              {batches.map((batch) => (
                <Row key={String(batch.seq)} data-batch={String(batch.seq)} data-gross={String(batch.gross)}>
                  <Cell>
                    <Link href={`/explorer/batches/${router}/${batch.seq}`} className={LINK}>
                      #{String(batch.seq)}
                    </Link>
                  </Cell>
                  <Cell>
                    <Ago at={batch.settledAt * 1000} now={now} />
                  </Cell>
                  <Cell figure>{leavesOf(batch.seq) ?? '–'}</Cell>
                  <Cell figure>
                    <Usd amount={batch.gross} />
                  </Cell>
                  <Cell>
                    <Short hex={batch.root} />
                  </Cell>
                  <Cell>
                    <Short hex={batch.txHash} />
                  </Cell>
                </Row>
              ))}
            </Table>
          )
        }
      </Shown>
    </Section>
  )
}

function Epochs() {
  const chain = useChain(readEpochs)
  return (
    <Section title="Epochs" note="a week each">
      <Shown answer={chain}>
        {(list) =>
          list === undefined ? (
            <Empty>This network was deployed without emission: it has no epochs to show.</Empty>
          ) : (
            <EpochTable list={list} />
          )
        }
      </Shown>
    </Section>
  )
}

function EpochTable({ list: { epoch, endsAt, reserve, reservoir, epochs, burn } }: { list: EpochList }) {
  return (
    <div className="space-y-3">
      <FactList wide>
        <Fact name="Present epoch" is={epoch}>
          {epoch}, until <time>{new Date(endsAt * 1000).toLocaleString('en')}</time>
        </Fact>
        <Fact name="Reserve" is={reserve}>
          <Heu amount={reserve} />
        </Fact>
        <Fact name="Reservoir" is={reservoir}>
          <Heu amount={reservoir} /> <span className="text-muted">of it not issued when it could be</span>
        </Fact>
        <Fact name="Fees for sale" is={burn.lot.amount}>
          <Usd amount={burn.lot.amount} />{' '}
          <span className="text-muted">of epoch {burn.lot.epoch}, carried</span>{' '}
          <Usd amount={burn.carried.amount} />
        </Fact>
      </FactList>
      <Table name="Epochs" head={['Epoch', '#Cap', '#Base', '#For fees', '#Burnt', 'State']}>
        {epochs.map((each) => (
          <Row key={each.epoch} data-epoch={each.epoch} data-issued={String(each.issued)}>
            <Cell>
              <Link href={`/explorer/epochs/${each.epoch}`} className={LINK}>
                {each.epoch}
              </Link>
            </Cell>
            <Cell figure>
              <Heu amount={each.cap} />
            </Cell>
            <Cell figure>
              <Heu amount={each.base} />
            </Cell>
            <Cell figure>
              <Heu amount={each.dynamic} />
            </Cell>
            <Cell figure>
              <Heu amount={each.burnt} />
            </Cell>
            <Cell>{each.finalizedAt > 0 ? 'final' : each.epoch === epoch ? 'now' : 'over, not final'}</Cell>
          </Row>
        ))}
      </Table>
    </div>
  )
}
