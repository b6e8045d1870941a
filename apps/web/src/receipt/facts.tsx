import type { ReactNode } from 'react'
import { useView } from '../network/use.ts'
import { Copy } from '../parts/copy.tsx'
import { Section } from '../parts/section.tsx'
import { count, Short } from '../parts/text.tsx'
import type { Receipt } from './read.ts'

/** The signed words of the call. */
export function Facts({ document }: { document: Receipt }) {
  const { pods } = useView()
  const { request, receipt, provider, batch } = document
  const pod = pods.find((each) => each.id === request.pod)
  return (
    <Section title="Facts">
      <dl className="grid grid-cols-[6.5rem_minmax(0,1fr)] gap-x-3 gap-y-1.5 text-[0.92rem]">
        <Fact name="Pod">{pod ? `${pod.name} ${pod.version}` : `pod ${request.pod}`}</Fact>
        {receipt && (
          <>
            <Fact name="Node">
              node {receipt.node}
              {provider && <span className="text-muted"> on {provider}</span>}
            </Fact>
            <Fact name="Work">
              {pod?.kind === 'image'
                ? `${count(receipt.unitsOut)} steps`
                : `${count(receipt.unitsIn)} tokens in, ${count(receipt.unitsOut)} out`}
            </Fact>
            <Fact name="Delivered">
              {count(receipt.length)} bytes{receipt.end === 1 && ', then the caller left'}
            </Fact>
          </>
        )}
        <Fact name="Frontend">{request.frontend === 0 ? 'none' : request.frontend}</Fact>
        <Hash name="Payer" hex={request.payer} />
        {receipt && <Hash name="Output hash" hex={receipt.output} />}
        {receipt && <Hash name="Evidence" hex={receipt.evidence} />}
        {batch && <Hash name="Transaction" hex={batch.txHash} />}
      </dl>
    </Section>
  )
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <>
    <dt className="text-muted">{name}</dt>
    <dd className="figures min-w-0">{children}</dd>
  </>
)

const Hash = ({ name, hex }: { name: string; hex: string }) => (
  <Fact name={name}>
    <Short hex={hex} /> <Copy text={hex} what={name} />
  </Fact>
)
