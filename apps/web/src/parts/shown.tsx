import type { ReactNode } from 'react'
import type { Answer } from '../network/answer.ts'
import type { Problem } from '../session/words.ts'
import { ReadOnly } from './banner.tsx'
import { Empty } from './section.tsx'

/** What was read before still stands. That the router does not answer stands above every page of the door already. */
const isDown = ({ code }: Problem): boolean => code === 'chain.unreachable'
const isSaidAbove = ({ code }: Problem): boolean => code === 'router.unreachable'

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
      {problem && isDown(problem) && (
        <ReadOnly name={problem.code}>
          {problem.says} {problem.fix}
        </ReadOnly>
      )}
      {problem && !isDown(problem) && !(isSaidAbove(problem) && value !== undefined) && (
        <p data-problem={problem.code} className="[overflow-wrap:anywhere]">
          {problem.says} <span className="text-muted">{problem.fix}</span>
        </p>
      )}
      {value === undefined ? problem === undefined && <Empty>Reading…</Empty> : children(value)}
    </>
  )
}
