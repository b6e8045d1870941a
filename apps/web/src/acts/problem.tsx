import { LINK, Link } from '../parts/link.tsx'
import type { Problem } from '../session/words.ts'
import { piecesOf } from './commands.ts'

/** What is wrong and what to do; a command that the words name is a link to the page that does it. */
export function ProblemText({ problem }: { problem: Problem }) {
  return (
    <>
      {problem.says}{' '}
      <span className="text-muted">
        {piecesOf(problem.fix).map((piece, index) => {
          const key = `${index}`
          if ('text' in piece) return piece.text
          if ('code' in piece) return <code key={key}>{piece.code}</code>
          return (
            <Link key={key} href={piece.page} className={LINK}>
              {piece.word}
            </Link>
          )
        })}
      </span>
    </>
  )
}
