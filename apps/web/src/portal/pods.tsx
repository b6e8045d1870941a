import type { Pod } from '../network/documents.ts'
import { useView } from '../network/use.ts'
import { Link } from '../parts/link.tsx'
import { Empty, PageHead } from '../parts/section.tsx'
import { Unknown } from '../parts/unknown.tsx'
import { limitWords, priceWords, termsOf } from './pod/terms.ts'

/** `/pods`: what can be called, at what price, and whether somebody serves it now. */
export default function PodsPage() {
  const { pods, known } = useView()
  return (
    <>
      <PageHead title="Pods">
        A pod is a model or a program that any node may serve. Its manifest, price and limits are registered
        on the chain. Open one to try it.
      </PageHead>
      {!known.pods ? (
        <Unknown />
      ) : pods.length === 0 ? (
        <Empty>This router serves no pod.</Empty>
      ) : (
        <ul className="grid gap-4 sm:grid-cols-2">
          {pods.map((pod) => (
            <PodCard key={pod.id} pod={pod} />
          ))}
        </ul>
      )}
    </>
  )
}

function PodCard({ pod }: { pod: Pod }) {
  const terms = termsOf(pod)
  return (
    <li
      className="group relative flex flex-col gap-2 rounded-lg border border-line bg-raised px-5 py-4 hover:border-accent"
      data-pod={pod.id}
    >
      <h2 className="flex flex-wrap items-baseline justify-between gap-x-3 text-[1.1rem]">
        <Link href={`/pods/${pod.id}`} className="after:absolute after:inset-0 group-hover:underline">
          {pod.name}
        </Link>
        <span className="label font-normal">
          {pod.kind} · {pod.version}
        </span>
      </h2>
      <p className="text-muted">{pod.description}</p>
      <dl className="label mt-auto grid grid-cols-[4rem_minmax(0,1fr)] gap-x-2 border-t border-line pt-2">
        <dt>slots</dt>
        <dd className="text-ink" data-slots={pod.slots}>
          <SlotWords pod={pod} />
        </dd>
        {terms && (
          <>
            <dt>price</dt>
            <dd className="text-ink">{priceWords(terms.pricing)}</dd>
            <dt>limits</dt>
            <dd>{limitWords(terms)}</dd>
          </>
        )}
      </dl>
    </li>
  )
}

/** Whether somebody serves it, as of now. */
export function SlotWords({ pod: { slots, freeSlots, pending } }: { pod: Pod }) {
  if (slots === 0) return <>no node serves it now</>
  return (
    <>
      <span aria-hidden="true" className="mr-1.5 inline-block size-1.5 rounded-full bg-accent align-middle" />
      {freeSlots} of {slots} free{pending > 0 && `, ${pending} waiting`}
    </>
  )
}
