import { useState } from 'react'
import { useSession } from '../session/use.ts'
import type { AskAnew } from './message.tsx'
import { MostTag } from './most.tsx'
import { somePrompts } from './prompts.ts'

/** An empty chat: what this is, and three questions to begin with, each at its price. */
export function Welcome({ most, ask, disabled }: AskAnew & { disabled: boolean }) {
  const { view } = useSession()
  const [prompts] = useState(() => somePrompts(3))
  return (
    <section aria-label="Welcome" className="space-y-5 pt-6 sm:pt-14">
      <p className="max-w-[34rem] text-[1.5rem] leading-snug font-[540] tracking-[-0.015em]">
        Ask an open model. <span className="text-muted">A price before, a receipt after, no account.</span>
      </p>
      <ul className="grid gap-2 sm:grid-cols-3">
        {prompts.map((prompt) => (
          <li key={prompt}>
            <Prompt prompt={prompt} most={most(prompt)} ask={ask} disabled={disabled} />
          </li>
        ))}
      </ul>
      {view.phase === 'none' && (
        <p>Add credit above to begin: one signature, and no answer asks you again.</p>
      )}
    </section>
  )
}

interface PromptProps extends Pick<AskAnew, 'ask'> {
  prompt: string
  most: bigint | undefined
  disabled: boolean
}

const Prompt = ({ prompt, most, ask, disabled }: PromptProps) => (
  <button
    type="button"
    disabled={disabled || most === undefined}
    onClick={() => most !== undefined && ask(prompt, most)}
    className="h-full w-full cursor-pointer rounded-lg border border-edge px-3.5 py-3 text-left hover:bg-accent-soft disabled:cursor-not-allowed disabled:text-muted"
  >
    <span className="block">{prompt}</span>
    <MostTag most={most} />
  </button>
)
