import { useState } from 'react'
import type { Drawing } from './drawing.ts'
import { usePicture } from './use.ts'

/** Up to this many pixels wide a picture is shown with hard edges; larger ones are smoothed where they must shrink. */
const HARD_EDGES = 256
export const edgesOf = (width: number): string => (width <= HARD_EDGES ? '[image-rendering:pixelated]' : '')

/** A picture of this browser, filling the `relative` room it is in. */
export function Picture({ drawing, alt }: { drawing: Drawing; alt: string }) {
  const [width, setWidth] = useState(0)
  const url = usePicture(drawing.id, drawing.state === 'done')
  if (url === undefined) return <span className="label">…</span>
  return (
    <img
      src={url}
      alt={alt}
      onLoad={({ currentTarget }) => setWidth(currentTarget.naturalWidth)}
      className={`absolute inset-0 size-full object-contain ${edgesOf(width)}`}
    />
  )
}
