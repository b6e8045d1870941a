import type { ReactNode } from 'react'
import { useLive } from '../network/use.ts'
import { ReadOnly } from '../parts/banner.tsx'
import { ProblemText } from './problem.tsx'
import { openScene, type Reading, SceneContext, useBeat } from './scene.ts'
import { EpochClock } from './time.tsx'
import { WalletBar } from './wallet.tsx'

/** What every page that acts has around it: its title, who acts, the epoch, and whether the chain answers at all. */
export function ActsFrame({
  title,
  about,
  children,
}: {
  title: string
  about: ReactNode
  children: ReactNode
}) {
  const { config } = useLive()
  return (
    <SceneContext value={openScene(config)}>
      <div className="space-y-6">
        <header className="space-y-2">
          <div className="flex flex-wrap items-baseline justify-between gap-x-5">
            <h1 className="text-[1.5rem]">{title}</h1>
            <EpochClock />
          </div>
          <p className="max-w-[44rem] text-muted">{about}</p>
        </header>
        <ChainDown />
        <WalletBar />
        {children}
      </div>
    </SceneContext>
  )
}

function ChainDown() {
  const { problem } = useBeat()
  if (!problem) return null
  return (
    <ReadOnly name="chain">
      {problem.says} {problem.fix}
    </ReadOnly>
  )
}

/** Why something is not shown: it is still read, or cannot be. */
export function Unread({ reading }: { reading: Reading<unknown> }) {
  if (!reading.problem) return <p className="text-muted">Reading the chain…</p>
  return (
    <p data-problem={reading.problem.code}>
      <ProblemText problem={reading.problem} />
    </p>
  )
}
