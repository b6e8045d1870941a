import type { ReactNode } from 'react'
import type { Answer } from '../network/answer.ts'
import { ReadOnly } from './banner.tsx'
import { Empty } from './section.tsx'

/** Nobody answers; what was read before still stands. */
const UNREACHABLE = new Set(['chain.unreachable', 'router.unreachable'])

/** What was read, under a banner while the newest try fails; words while there is nothing. */
export function Shown<T>({
  answer: { value, problem },
  children,
}: {
  answer: Answer<T>
  children: (value: T) => ReactNode
}) {
  return (
    <>
      {problem && UNREACHABLE.has(problem.code) && (
        <ReadOnly name={problem.code}>
          {problem.says} {problem.fix}
        </ReadOnly>
      )}
      {problem && !UNREACHABLE.has(problem.code) && (
        <p data-problem={problem.code}>
          {problem.says} <span className="text-muted">{problem.fix}</span>
        </p>
      )}
      {value === undefined ? problem === undefined && <Empty>Reading…</Empty> : children(value)}
    </>
  )
}
