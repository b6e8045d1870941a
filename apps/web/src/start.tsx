import { type ReactNode, StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema, type PageConfig } from './network/config.ts'
import './style.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')

/** The share that the server sent within the page; undefined on every other page. */
export const sentShare = root.dataset.share

/**
 * How every door begins. What the server sent stands until all is there.
 *
 * @param beside  What is asked for beside the page's configuration, not after it.
 */
export const start = async <T,>(
  beside: Promise<T>,
  draw: (config: PageConfig, read: T) => ReactNode,
): Promise<void> => {
  const [answer, read] = await Promise.all([fetch('/config.json'), beside])
  const page = draw(configSchema.parse(await answer.json()), read)
  startTransition(() => createRoot(root).render(<StrictMode>{page}</StrictMode>))
}
