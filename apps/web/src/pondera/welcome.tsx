import { useState } from 'react'
import { useSession } from '../session/use.ts'
import { somePrompts } from './prompts.ts'

/** An empty chat: what this is, and three questions to begin with. */
export function Welcome({ onChoose, disabled }: { onChoose: (prompt: string) => void; disabled: boolean }) {
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
            <button
              type="button"
              disabled={disabled}
              onClick={() => onChoose(prompt)}
              className="h-full w-full cursor-pointer rounded-lg border border-edge px-3.5 py-3 text-left hover:bg-accent-soft disabled:cursor-not-allowed disabled:text-muted"
            >
              {prompt}
            </button>
          </li>
        ))}
      </ul>
      {view.phase === 'none' && (
        <p>Add credit above to begin: one signature, and no answer asks you again.</p>
      )}
    </section>
  )
}
