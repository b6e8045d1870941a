import { lazy, type ReactNode, Suspense, useState } from 'react'

type Markdown = typeof import('./markdown.tsx').default

let asked: Promise<typeof import('./markdown.tsx')> | undefined
let kept: Markdown | undefined

/** Markdown: its code comes when it is first needed. Once it is here, nothing stands in for it. */
export function loadMarkdown(): Promise<typeof import('./markdown.tsx')> {
  asked ??= import('./markdown.tsx').then((loaded) => {
    kept = loaded.default
    return loaded
  })
  return asked
}
const Later = lazy(loadMarkdown)

/**
 * What a model wrote; its bare words until the code is here.
 *
 * @param text   Markdown.
 * @param plain  The words that stand in for it; the same if absent.
 * @param link   What stands for a link to this address; undefined = an ordinary link.
 */
export function LateMarkdown({
  text,
  plain = text,
  link,
}: {
  text: string
  plain?: string
  link?: (href: string) => ReactNode | undefined
}) {
  const [Shown] = useState(() => kept ?? Later)
  return (
    <Suspense fallback={<p className="whitespace-pre-wrap">{plain}</p>}>
      <Shown text={text} {...(link ? { link } : {})} />
    </Suspense>
  )
}
