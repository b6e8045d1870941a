import { receiptPath } from '../network/address.ts'
import type { ReceiptLine } from '../network/documents.ts'
import { MOST_RECEIPTS } from '../network/live.ts'
import { useNow, useView } from '../network/use.ts'
import { Link } from '../parts/link.tsx'
import { Empty, Section } from '../parts/section.tsx'
import { StatusMark } from '../parts/status.tsx'
import { Ago, Short, Usd } from '../parts/text.tsx'
import { Unknown } from '../parts/unknown.tsx'

const MOST = 14

/** The newest calls; each row opens its receipt. */
export function Receipts() {
  const { receipts, known } = useView()
  return (
    <Section title="Receipts" note={receipts.length >= MOST_RECEIPTS ? `the newest ${MOST}` : undefined}>
      {!known.receipts ? (
        <Unknown />
      ) : receipts.length === 0 ? (
        <Empty>No call has been made yet. The first one appears here as it is paid.</Empty>
      ) : (
        <ReceiptTable receipts={receipts.slice(0, MOST)} />
      )}
    </Section>
  )
}

export function ReceiptTable({ receipts }: { receipts: readonly ReceiptLine[] }) {
  const { pods } = useView()
  const now = useNow()
  const nameOf = (id: number) => pods.find((pod) => pod.id === id)?.name ?? `pod ${id}`
  return (
    <table className="w-full border-collapse text-left">
      <thead className="label border-b border-line">
        <tr>
          <th className="py-1.5 pr-3 font-normal">Request</th>
          <th className="py-1.5 pr-3 font-normal max-sm:sr-only">Pod</th>
          <th className="py-1.5 pr-3 font-normal max-sm:sr-only">Node</th>
          <th className="py-1.5 pr-3 font-normal max-sm:sr-only">When</th>
          <th className="py-1.5 pr-3 text-right font-normal">Price</th>
          <th className="py-1.5 font-normal">Status</th>
        </tr>
      </thead>
      <tbody>
        {receipts.map((each) => (
          <tr key={each.hash} className="group relative border-b border-line/70 hover:bg-accent-soft/50">
            <td className="py-2 pr-3">
              <Link href={receiptPath(each.hash)} className="after:absolute after:inset-0">
                <Short
                  hex={each.hash}
                  className="underline decoration-line decoration-1 underline-offset-4 group-hover:decoration-accent"
                />
              </Link>
              <span className="label block sm:hidden">
                {nameOf(each.pod)} · <Ago at={each.createdAt} now={now} />
              </span>
            </td>
            <td className="py-2 pr-3 max-sm:hidden">{nameOf(each.pod)}</td>
            <td className="py-2 pr-3 max-sm:hidden">
              {each.node === 0 ? <span className="text-muted">–</span> : each.node}
            </td>
            <td className="py-2 pr-3 text-muted max-sm:hidden">
              <Ago at={each.createdAt} now={now} />
            </td>
            <td className="py-2 pr-3 text-right">
              {each.price === undefined ? <span className="text-muted">–</span> : <Usd amount={each.price} />}
            </td>
            <td className="py-2 text-[0.9em]">
              <StatusMark status={each.status} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
