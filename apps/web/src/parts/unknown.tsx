import { useView } from '../network/use.ts'
import { Empty } from './section.tsx'

/** Stands for what the router has not told yet: that there is nothing is not known either. */
export function Unknown() {
  const { link } = useView()
  return (
    <Empty>
      {link === 'lost' ? 'Not known: the router has not answered yet.' : 'Reading what the router knows…'}
    </Empty>
  )
}
