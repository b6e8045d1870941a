import type { Check } from '../../../../sdk/checks.ts'
import { CheckList } from '../parts/checks.tsx'
import { Empty, Section } from '../parts/section.tsx'
import { verdictOf } from '../parts/verdict.ts'
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
      {checks.state === 'reading' && (
        // A list of checks is longer than most windows: what stands below it does not jump when it comes.
        <div className="min-h-dvh">
          <Empty>Reading signatures, proof and chain…</Empty>
        </div>
      )}
      {checks.state === 'failed' && <Empty>Could not check: {checks.why}</Empty>}
      {checks.state === 'read' && (
        <CheckList
          lines={checks.value.map((check) => ({
            check,
            title: titleOf(check.name),
            verdict: verdictOf(check, check.name === 'settled' && status !== 'settled'),
          }))}
        />
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

/** What each check of `verifyReceipt` means. */
const TITLES: Record<string, string> = {
  pinned: 'Ledger and chain that this page trusts',
  ledger: 'The ledger that this page trusts',
  chain: 'The chain that this page trusts',
  request: 'Request hash',
  bytes: 'Output hash',
  price: 'Price, computed again from the registered manifest',
  receipt: 'Receipt',
  node: 'Node’s signature under the receipt',
  router: 'Router’s signature under the acknowledgement',
  settled: 'Settlement on chain',
  leaf: 'Leaf of the batch',
  root: 'Merkle proof to the root on chain',
  batch: 'Batch as the ledger took it',
  data: 'Published data of the batch',
  debit: 'Payer’s voucher and what it was debited',
  journal: 'Payer’s own journal',
  'credit node': 'Credit of the node',
  'credit pod': 'Credit of the pod',
  'credit frontend': 'Credit of the frontend',
  split: 'Shares add up to the price',
}
const titleOf = (name: string): string => TITLES[name] ?? name
