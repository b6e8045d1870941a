import { type ReactNode, Suspense, useState } from 'react'
import { Boundary } from '../parts/boundary.tsx'
import { late } from '../parts/late.tsx'

interface Props {
  /** Markdown. */
  text: string
  /** The words that stand in for it. */
  plain: string
  /** What stands for a link to this address; undefined = an ordinary link. */
  link?: (href: string) => ReactNode | undefined
}

type Markdown = typeof import('./markdown.tsx').default

let kept: Markdown | undefined

async function loadMarkdown(): Promise<{ default: Markdown }> {
  const loaded = await import('./markdown.tsx')
  kept = loaded.default
  return loaded
}

/** Beside what is to be read with it, so that nothing stands in for it; where it does not come, that is read without it. */
export const awaitMarkdown = (): Promise<unknown> =>
  loadMarkdown().catch((cause: unknown) => console.warn(cause))

const Plain = ({ plain }: Props) => <p className="whitespace-pre-wrap">{plain}</p>
const Later = late<Props>(loadMarkdown, Plain)

/** What a model wrote; its bare words until the code is here, which comes when it is first needed, and where it cannot be drawn. */
export function LateMarkdown({ plain, ...rest }: Omit<Props, 'plain'> & Partial<Props>) {
  const [Shown] = useState(() => kept ?? Later)
  const props = { ...rest, plain: plain ?? rest.text }
  return (
    <Suspense fallback={<Plain {...props} />}>
      <Boundary instead={<Plain {...props} />}>
        <Shown {...props} />
      </Boundary>
    </Suspense>
  )
}
