import type { Problem } from '../session/words.ts'

/** Why it was not done, where a screen reader hears it. */
export const ProblemLine = ({ problem }: { problem: Problem | undefined }) => (
  <p aria-live="polite">
    {problem && (
      <span data-problem={problem.code}>
        {problem.says} {problem.fix}
      </span>
    )}
  </p>
)
