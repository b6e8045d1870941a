import { useMemo, useState } from 'react'
import type { Pod as LivePod } from '../../network/documents.ts'
import { useLive, useView } from '../../network/use.ts'
import { CheckList } from '../../parts/checks.tsx'
import { Fact, FactList, HashFact } from '../../parts/facts.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Columns, Empty, PageHead, Section } from '../../parts/section.tsx'
import { Shown } from '../../parts/shown.tsx'
import { Cell, Row, Table } from '../../parts/table.tsx'
import { count, Usd } from '../../parts/text.tsx'
import { verdictOf } from '../../parts/verdict.ts'
import { idIn, type Params } from '../addresses.ts'
import { useChain } from '../place.ts'
import { SlotWords } from '../pods.tsx'
import { CodeTabs } from './code.tsx'
import { fieldsOf, initialValues, inputOf } from './input.ts'
import { formOf, keepForm } from './kept.ts'
import { Playground } from './playground.tsx'
import { type PodDetail, readPod } from './read.ts'
import { limitWords, priceWords } from './terms.ts'

/** `/pods/:pod`: try it, call it from elsewhere, and what it is by its registered manifest. */
export default function PodPage({ params }: { params: Params }) {
  const id = idIn(params.pod)
  if (id === undefined || id === 0) return <Empty>Pods have numbers, from 1 on.</Empty>
  return <Pod id={id} />
}

function Pod({ id }: { id: number }) {
  const { config } = useLive()
  const { pods } = useView()
  const answer = useChain(readPod, config.routerUrl, id)
  const live = pods.find((pod) => pod.id === id)
  const name = answer.value?.manifest.name ?? live?.name
  return (
    <>
      <PageHead title={name ?? `Pod ${id}`}>
        {answer.value?.manifest.description ?? live?.description}{' '}
        <Link href="/pods" className={LINK}>
          All pods
        </Link>
      </PageHead>
      <Shown answer={answer}>
        {(pod) => (
          <div className="space-y-10">
            <Trying key={pod.id} pod={pod} isMeant={pods.length === 0 || live !== undefined} />
            <Columns>
              <Terms pod={pod} live={live} />
              <div className="space-y-10">
                <Verified pod={pod} />
                <Quality pod={pod} live={live} />
              </div>
            </Columns>
          </div>
        )}
      </Shown>
    </>
  )
}

/**
 * What is written in the form is what the snippets call too.
 *
 * @param isMeant  A call by the pod's name is a call of this pod. Another one may have had the name first.
 */
function Trying({ pod: { id, hash, manifest }, isMeant }: { pod: PodDetail; isMeant: boolean }) {
  // The manifest is read again while one writes; its form changes only with its version.
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal bytes are one manifest.
  const known = useMemo(() => manifest, [hash])
  const fields = useMemo(() => fieldsOf(known), [known])
  const [values, setValues] = useState(() => ({ ...initialValues(fields), ...formOf(id, hash) }))
  const filled = inputOf(known, values)
  return (
    <Columns>
      <Playground
        pod={id}
        manifest={known}
        fields={fields}
        values={values}
        onChange={(name, value) => {
          const next = { ...values, [name]: value }
          setValues(next)
          keepForm(id, hash, next)
        }}
        filled={filled}
      />
      <CodeTabs
        called={isMeant ? known.name : id}
        kind={known.kind}
        input={'input' in filled ? filled.input : undefined}
      />
    </Columns>
  )
}

function Terms({ pod: { manifest }, live }: { pod: PodDetail; live: LivePod | undefined }) {
  const { kind, version, resources, validation, files, limits } = manifest
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return (
    <Section title="Terms" note="by its manifest">
      <FactList wide>
        <Fact name="Kind">
          {kind}, version {version}
        </Fact>
        <Fact name="Price">{priceWords(manifest.pricing)}</Fact>
        <Fact name="Limits">{limitWords(manifest)}</Fact>
        <Fact name="Reads">up to {count(limits.inputBytes)} bytes</Fact>
        <Fact name="Slots">{live ? <SlotWords pod={live} /> : 'not listed by this router'}</Fact>
        <Fact name="Runs on">{resources.providers.join(', ')}</Fact>
        <Fact name="Memory">
          {count(resources.memoryMiB)} MiB, or {count(resources.vramMiB)} MiB of a GPU
        </Fact>
        <Fact name="Is judged by">{validation.method}</Fact>
        <Fact name="Files">
          {count(files.length)}, {count(Math.ceil(bytes / 1024))} KiB
        </Fact>
      </FactList>
    </Section>
  )
}

/** What each check of `readPod` means. */
const TITLES: Record<string, string> = {
  bytes: 'Manifest that the router shows is the one it names',
  published: 'It was published on the chain',
  newest: 'It is the newest version there',
}

const Verified = ({ pod: { checks, hash, entry } }: { pod: PodDetail }) => (
  <Section title="Checked in this browser">
    <CheckList
      lines={checks.map((check) => ({
        check,
        title: TITLES[check.name] ?? check.name,
        verdict: verdictOf(check),
      }))}
    />
    <div className="mt-3">
      <FactList>
        <HashFact name="Manifest" hex={hash} />
        <HashFact name="Owner" hex={entry.owner} />
      </FactList>
    </div>
  </Section>
)

function Quality({ pod: { id, entry }, live }: { pod: PodDetail; live: LivePod | undefined }) {
  const { receipts, known } = useView()
  const own = receipts.filter((each) => each.pod === id)
  const failed = own.filter(({ status }) => status === 'failed').length
  const wait = live?.expectedFirstByteMs
  return (
    <Section title="Quality and revenue">
      <FactList wide>
        <Fact name="Lately">
          {!known.receipts
            ? 'not known yet'
            : own.length === 0
              ? 'not called'
              : `${count(own.length - failed)} of ${count(own.length)} calls answered or on their way`}
        </Fact>
        {typeof wait === 'number' && wait >= 1 && (
          <Fact name="First byte">in about {count(Math.round(wait))} ms, by this router</Fact>
        )}
        <Fact name="Calls settled" is={entry.gross}>
          <Usd amount={entry.gross} />
        </Fact>
        <Fact name="Its deployer earned" is={entry.claimable + entry.claimed}>
          <Usd amount={entry.claimable + entry.claimed} />
        </Fact>
      </FactList>
      <div className="mt-3">
        <Table name="Revenue by epoch" head={['Epoch', '#Settled calls', '#Deployer’s share']}>
          {entry.revenue
            .filter(({ epoch, gross }) => epoch === entry.epoch || gross > 0n)
            .map(({ epoch, gross, share }) => (
              <Row key={epoch} data-epoch={epoch} data-share={String(share)}>
                <Cell>
                  <Link href={`/explorer/epochs/${epoch}`} className={LINK}>
                    {epoch}
                  </Link>
                  {epoch === entry.epoch && <span className="label"> now</span>}
                </Cell>
                <Cell figure>
                  <Usd amount={gross} />
                </Cell>
                <Cell figure>
                  <Usd amount={share} />
                </Cell>
              </Row>
            ))}
        </Table>
      </div>
    </Section>
  )
}
