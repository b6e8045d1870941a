import { isValidElement, type ReactNode, Suspense, useEffect, useId, useMemo, useState } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import { Copy } from '../parts/copy.tsx'
import { late } from '../parts/late.tsx'
import { isTooMuch } from './plain.ts'
import { readingOf } from './reading.ts'
import './markdown.css'

// Formulas and the colours of code come with the first text that has one; where they do not come, it stays as it was written.
const Written = ({ tex }: { tex: string }) => <code>{tex}</code>
const Formula = late(() => import('./formula.tsx'), Written)
const CODE = /(?:```|~~~)[ \t]*\w/
let colours: typeof import('./colours.ts').default | undefined

function useColours(text: string): typeof colours {
  const [known, setKnown] = useState(() => colours)
  const waits = known === undefined && CODE.test(text)
  useEffect(() => {
    if (!waits) return
    void import('./colours.ts').then(
      (loaded) => {
        colours = loaded.default
        setKnown(() => colours)
      },
      (cause: unknown) => console.warn(cause),
    )
  }, [waits])
  return known
}

/**
 * What a model wrote, as elements of the page: its HTML is shown as the text that it is, its pictures are links, because a
 * picture is a request to a stranger, and its links name nobody.
 */
const COMPONENTS: Components = {
  img: ({ src, alt }) => (
    <Away href={typeof src === 'string' ? src : undefined}>picture: {alt === '' ? src : alt}</Away>
  ),
  code({ className = '', children }) {
    const display = className.includes('math-display')
    if (!display && !className.includes('math-inline')) return <code className={className}>{children}</code>
    const tex = textOf(children)
    return (
      <Suspense fallback={<Written tex={tex} />}>
        <Formula tex={tex} display={display} />
      </Suspense>
    )
  },
  pre({ children }) {
    const inner = isValidElement<{ className?: string; children?: ReactNode }>(children)
      ? children.props
      : undefined
    if (inner?.className?.includes('math-display')) return children
    const language = /language-([\w+#.-]+)/.exec(inner?.className ?? '')?.[1] ?? 'code'
    return (
      <div className="code">
        <p className="flex items-center justify-between border-b border-line px-3 py-1">
          <span className="label">{language}</span>
          <Copy text={textOf(inner?.children)} what="code" />
        </p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
        <pre tabIndex={0}>{children}</pre>
      </div>
    )
  },
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section aria-label="Table" tabIndex={0} className="overflow-x-auto">
      <table>{children}</table>
    </section>
  ),
}

/** @param link  What stands for a link to this address; undefined = an ordinary link. */
export default function Markdown({
  text,
  link,
}: {
  text: string
  link?: (href: string) => ReactNode | undefined
}) {
  const prefix = `${useId()}-`
  const components = useMemo<Components>(
    () => ({
      ...COMPONENTS,
      // Between a text and its notes; the rest leads away.
      a: ({ node: _, href, children, ...rest }) =>
        href?.startsWith(`#${prefix}`) ? (
          <a href={href} {...rest}>
            {children}
          </a>
        ) : (
          (link?.(href ?? '') ?? <Away href={href}>{children}</Away>)
        ),
    }),
    [link, prefix],
  )
  const plain = useMemo(() => isTooMuch(text), [text])
  const known = useColours(text)
  const reading = useMemo(() => readingOf(prefix, known), [prefix, known])
  if (plain) {
    return (
      <div className="prose" data-plain>
        <p className="[overflow-wrap:anywhere] whitespace-pre-wrap">{text}</p>
      </div>
    )
  }
  return (
    <div className="prose">
      <ReactMarkdown components={components} {...reading}>
        {text}
      </ReactMarkdown>
    </div>
  )
}

function Away({ href, children }: { href: string | undefined; children: ReactNode }) {
  if (href === undefined || href === '') return <span>{children}</span>
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow ugc" title={href}>
      {children}
    </a>
  )
}

function textOf(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node)
  if (Array.isArray(node)) return node.map(textOf).join('')
  if (isValidElement<{ children?: ReactNode }>(node)) return textOf(node.props.children)
  return ''
}
