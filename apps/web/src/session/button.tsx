import { Suspense, useState } from 'react'
import { ReadOnly } from '../parts/banner.tsx'
import { Button } from '../parts/button.tsx'
import { late } from '../parts/late.tsx'
import { useSession } from './use.ts'
import type { SessionView } from './view.ts'

const SessionPanel = late(() => import('./panel/panel.tsx'))

/** What the key has left, and the way to its panel. */
export function SessionButton() {
  const { view } = useSession()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button
        tone={view.phase === 'none' ? 'main' : 'quiet'}
        onClick={() => setOpen(true)}
        disabled={view.phase === 'opening'}
        data-session={view.phase}
      >
        {labelOf(view)}
      </Button>
      {open && (
        <Suspense fallback={null}>
          <SessionPanel onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

function labelOf({ phase, account, former }: SessionView): string {
  switch (phase) {
    case 'ready':
      return `$${dollarsOf(account?.left ?? 0n)} left`
    case 'opening':
      return 'Opening…'
    case 'none':
      return 'Add credit'
    case 'unfunded':
      return 'Deposit waits'
    case 'revoking':
      return 'Being revoked'
    case 'revoked':
      return `$${dollarsOf(former.reduce((sum, { thawing }) => sum + thawing, 0n))} going back`
    case 'elsewhere':
      return 'In another tab'
    case 'broken':
      return 'Key is spent'
    case 'down':
      return 'Read only'
  }
}

/** To the cent, rounded down: never more than there is. */
export const dollarsOf = (amount: bigint): string =>
  `${amount / 1_000_000n}.${((amount % 1_000_000n) / 10_000n).toString().padStart(2, '0')}`

/** Says so while the page can only be read. */
export function ReadOnlyBanner() {
  const { view } = useSession()
  if (view.phase !== 'down' && view.phase !== 'elsewhere') return null
  return (
    <ReadOnly name={view.phase}>
      {view.problem?.says} {view.problem?.fix}
    </ReadOnly>
  )
}
