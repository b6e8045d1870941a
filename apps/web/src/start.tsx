import { type ReactNode, StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema, type PageConfig } from './network/config.ts'
import { Boundary, Broken } from './parts/boundary.tsx'
import './style.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')

/** The share that the server sent within the page; undefined on every other page. */
export const sentShare = root.dataset.share

/** The server is asked again this often, and has so long to answer. Milliseconds. */
const AGAIN_MS = 3_000
const MOST_MS = 15_000

/**
 * How every door begins. What the server sent stands until all is there, and says so while the server gives no more.
 *
 * @param beside  What is asked for beside the page's configuration, not after it.
 */
export const start = async <T,>(
  beside: () => Promise<T>,
  draw: (config: PageConfig, read: T) => ReactNode,
): Promise<void> => {
  const [config, read] = await Promise.all([untilRead(readConfig), untilRead(beside)])
  const page = draw(config, read)
  const whole = <Boundary instead={<Broken />}>{page}</Boundary>
  startTransition(() => createRoot(root).render(<StrictMode>{whole}</StrictMode>))
}

async function readConfig(): Promise<PageConfig> {
  const answer = await fetch('/config.json', { signal: AbortSignal.timeout(MOST_MS) })
  if (!answer.ok) throw new Error(`/config.json answers ${answer.status}`)
  return configSchema.parse(await answer.json())
}

async function untilRead<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (cause) {
      console.warn(cause)
      says.textContent =
        'The server of this page does not answer. It is asked again every few seconds; what you keep in this browser is still there.'
      root?.prepend(says)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
}

const says = document.createElement('p')
says.role = 'status'
says.className = 'm-4 rounded-md border border-edge bg-raised px-3.5 py-2'
