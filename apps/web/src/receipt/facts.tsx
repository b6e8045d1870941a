import { useView } from '../network/use.ts'
import { Fact, FactList, HashFact } from '../parts/facts.tsx'
import { Section } from '../parts/section.tsx'
import { count } from '../parts/text.tsx'
import type { Receipt } from './read.ts'

/** The signed words of the call. */
export function Facts({ document }: { document: Receipt }) {
  const { pods } = useView()
  const { request, receipt, provider, batch } = document
  const pod = pods.find((each) => each.id === request.pod)
  return (
    <Section title="Facts">
      <FactList>
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
        <HashFact name="Payer" hex={request.payer} />
        {receipt && <HashFact name="Output hash" hex={receipt.output} />}
        {receipt && <HashFact name="Evidence" hex={receipt.evidence} />}
        {batch && <HashFact name="Transaction" hex={batch.txHash} />}
      </FactList>
    </Section>
  )
}
