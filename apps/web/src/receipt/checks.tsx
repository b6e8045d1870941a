import type { Check } from '../../../../sdk/checks.ts'
import { Empty, Section } from '../parts/section.tsx'
import { type Receipt, useChecks } from './read.ts'

/** What was checked, each with the values that agree or the two that do not. */
export function Checks({ request, status }: { request: string; status: Receipt['status'] }) {
  const checks = useChecks(request, status)
  if (status === 'failed') return null
  return (
    <Section
      title="Checked in this browser"
      note={checks.state === 'read' ? tally(checks.value, status) : undefined}
    >
      {checks.state === 'reading' && <Empty>Reading signatures, proof and chain…</Empty>}
      {checks.state === 'failed' && <Empty>Could not check: {checks.why}</Empty>}
      {checks.state === 'read' && (
        <ul className="space-y-2">
          {checks.value.map((check) => {
            const waits = !check.ok && check.name === 'settled' && status !== 'settled'
            return (
              <li
                key={check.name}
                className="grid grid-cols-[1.1rem_5.5rem_minmax(0,1fr)] gap-x-2 text-[0.9rem]"
              >
                <span aria-hidden="true" className={check.ok ? 'text-accent' : 'text-ink'}>
                  {check.ok ? (check.checked ? '✓' : '–') : waits ? '…' : '✕'}
                </span>
                <span>
                  {check.name}
                  <span className="sr-only">
                    {check.ok ? (check.checked ? ' holds' : '') : waits ? ' waits' : ' does not hold'}
                  </span>
                </span>
                <span className="label leading-5 [overflow-wrap:anywhere]">
                  {!check.checked && 'not checked: '}
                  {check.detail}
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </Section>
  )
}

function tally(checks: readonly Check[], status: Receipt['status']): string {
  const wrong = checks.filter(({ name, ok }) => !ok && (name !== 'settled' || status === 'settled')).length
  if (wrong > 0) return wrong === 1 ? 'one does not hold' : `${wrong} do not hold`
  if (status !== 'settled') return 'all hold so far'
  const open = checks.filter(({ checked }) => !checked).length
  return open === 0 ? `all ${checks.length} hold` : `${checks.length - open} hold, ${open} not checked`
}
