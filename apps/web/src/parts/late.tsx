import { type ComponentType, lazy } from 'react'
import { useRead } from '../network/answer.ts'
import { Boundary, Broken } from './boundary.tsx'
import { Button } from './button.tsx'

type Load<P> = () => Promise<{ default: ComponentType<P> }>

/**
 * A part of the page whose code comes when it is first drawn. Where it does not come, or cannot be drawn, the rest of the page
 * goes on: the part says so in its place, and one that did not come is asked for until it is there.
 *
 * @param Instead  Stands there then without a word.
 */
export function late<P extends object>(load: Load<P>, Instead?: ComponentType<P>): ComponentType<P> {
  const Part = lazy(() => load().catch((cause: unknown) => awaited(load, Instead, cause)))
  return (props) => (
    <Boundary instead={Instead ? <Instead {...props} /> : <Broken />}>
      <Part {...props} />
    </Boundary>
  )
}

function awaited<P extends object>(load: Load<P>, Instead: ComponentType<P> | undefined, cause: unknown) {
  console.warn(cause)
  return {
    default: function Awaited(props: P) {
      const { value, again } = useRead(load)
      const Part = value?.default ?? Instead
      return Part ? <Part {...props} /> : <Missing again={again} />
    },
  }
}

/** While a part is missing, how often the page's server is asked for the page. Milliseconds. */
const LOOK_MS = 10_000

/** The page names no file of the build that this tab has: its parts are gone. */
async function isOtherBuild(): Promise<boolean> {
  const answer = await fetch(window.location.pathname, { cache: 'no-store' })
  if (!answer.ok) throw new Error(`the page answers ${answer.status}`)
  const own = document.querySelector('script[type=module]')?.getAttribute('src') ?? ''
  return !(await answer.text()).includes(own)
}

function Missing({ again }: { again: () => void }) {
  const { value: isOther } = useRead(isOtherBuild, LOOK_MS)
  return (
    <p
      role="status"
      className="sticky bottom-4 z-10 flex flex-wrap items-center gap-2 rounded-md border border-edge bg-raised px-3.5 py-2"
      data-missing
    >
      {isOther
        ? 'A part of this page did not come: its server has another build of it by now. Load the page again; what is not sent yet is lost.'
        : 'A part of this page did not come. It is asked for again every few seconds.'}
      {isOther ? (
        <Button onClick={() => window.location.reload()}>Load the page again</Button>
      ) : (
        <Button onClick={again}>Try again</Button>
      )}
    </p>
  )
}
