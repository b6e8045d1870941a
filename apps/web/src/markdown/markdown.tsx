import { isValidElement, type ReactNode, useMemo } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import rehypeHighlight from 'rehype-highlight'
import remarkGfm from 'remark-gfm'
import remarkMath from 'remark-math'
import { Copy } from '../parts/copy.tsx'
import { Formula } from './formula.tsx'
import { isTooMuch } from './plain.ts'
import './markdown.css'

/**
 * What a model wrote, as elements of the page: its HTML is shown as the text that it is, its pictures are links, because a
 * picture is a request to a stranger, and its links name nobody.
 */
const COMPONENTS: Components = {
  a: ({ href, children }) => <Away href={href}>{children}</Away>,
  img: ({ src, alt }) => (
    <Away href={typeof src === 'string' ? src : undefined}>picture: {alt === '' ? src : alt}</Away>
  ),
  code({ className = '', children }) {
    const display = className.includes('math-display')
    if (!display && !className.includes('math-inline')) return <code className={className}>{children}</code>
    return <Formula tex={textOf(children)} display={display} />
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
  const components = useMemo<Components>(
    () =>
      link === undefined
        ? COMPONENTS
        : {
            ...COMPONENTS,
            a: ({ href, children }) => link(href ?? '') ?? <Away href={href}>{children}</Away>,
          },
    [link],
  )
  const plain = useMemo(() => isTooMuch(text), [text])
  if (plain) {
    return (
      <div className="prose" data-plain>
        <p className="[overflow-wrap:anywhere] whitespace-pre-wrap">{text}</p>
      </div>
    )
  }
  return (
    <div className="prose">
      <ReactMarkdown
        components={components}
        remarkPlugins={[remarkGfm, remarkMath]}
        rehypePlugins={[[rehypeHighlight, { plainText: ['math'] }]]}
      >
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
