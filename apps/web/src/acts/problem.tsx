import type { ReactNode } from 'react'
import { LINK, Link } from '../parts/link.tsx'
import type { Problem } from '../session/words.ts'

/** Commands whose place on this page is a page of its own. */
const PAGE_OF = /^heurist (lock|vote|stake|claim|credits)(?: (\w+))?/

/** What is wrong and what to do; a command that the words name is a link to the page that does it. */
export function ProblemText({ problem }: { problem: Problem }) {
  return (
    <>
      {problem.says} <span className="text-muted">{linked(problem.fix)}</span>
    </>
  )
}

function linked(text: string): ReactNode[] {
  return text.split('`').map((part, index) => {
    if (index % 2 === 0) return part
    const [, page, verb] = PAGE_OF.exec(part) ?? []
    if (page === undefined) return <code key={part}>{part}</code>
    return (
      <Link key={part} href={`/${page}`} className={LINK}>
        {verb === undefined ? page : `${page}: ${verb}`}
      </Link>
    )
  })
}
