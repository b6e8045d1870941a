import { useEffect, useState } from 'react'
import type { Door, PageConfig } from '../network/config.ts'
import type { Earned } from '../network/earned.ts'
import { useSeen } from '../network/use.ts'
import { Short, Usd } from './text.tsx'

const AGAIN_MS = 15_000

/** What a door itself earns, read from the chain once somebody looks at it. */
export function Revenue({ door, config }: { door: Door; config: PageConfig }) {
  const frontend = config.doors[door]?.frontend ?? 0
  const [earned, setEarned] = useState<Earned>()
  const [place, seen] = useSeen()
  useEffect(() => {
    if (frontend === 0 || !seen) return
    let gone = false
    const read = async () => {
      if (document.visibilityState !== 'visible') return
      const { readEarned } = await import('../network/earned.ts')
      const next = await readEarned(config, frontend)
      if (!gone) setEarned(next)
    }
    const again = () => void read().catch((cause: unknown) => console.warn(cause))
    const first = window.setTimeout(again, 1_000)
    const timer = window.setInterval(again, AGAIN_MS)
    return () => {
      gone = true
      window.clearTimeout(first)
      window.clearInterval(timer)
    }
  }, [config, frontend, seen])
  if (frontend === 0) return <p>This page earns no share of what is spent here.</p>
  if (earned === undefined) return <p ref={place}>Reading what this page earns…</p>
  return (
    <p data-earned={earned.earned.toString()} data-frontend={frontend}>
      This page is frontend {frontend}. Of what its users spent, by the chain, it earned{' '}
      <Usd amount={earned.earned} className="text-ink" />, paid to <Short hex={earned.payout} />.
    </p>
  )
}
