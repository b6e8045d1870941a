import type { Receipt } from './read.ts'

const STEPS = ['admitted', 'dispatched', 'receipted', 'batched', 'settled'] as const
const WORDS = {
  admitted: 'admitted',
  dispatched: 'dispatched',
  receipted: 'answered',
  batched: 'posted',
  settled: 'settled',
}

/** How far the call has come. */
export function Timeline({ document }: { document: Receipt }) {
  const reached = STEPS.indexOf(document.status as (typeof STEPS)[number])
  return (
    <ol className="grid grid-cols-[repeat(4,minmax(0,1fr))_auto]" aria-label={`Status: ${document.status}`}>
      {STEPS.map((step, index) => {
        const done = index <= reached
        return (
          <li key={step} aria-current={index === reached ? 'step' : undefined} className="min-w-0">
            <span aria-hidden="true" className="flex items-center">
              <span
                className={`size-2.5 shrink-0 rounded-full border-[1.5px] ${done ? 'border-accent bg-accent' : 'border-edge'}`}
              />
              {index < STEPS.length - 1 && (
                <span className={`h-[1.5px] grow ${index < reached ? 'bg-accent' : 'bg-line'}`} />
              )}
            </span>
            <span className={`mt-1.5 block truncate text-[0.78rem] ${done ? 'text-ink' : 'text-muted'}`}>
              {WORDS[step]}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
