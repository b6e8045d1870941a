import { useState } from 'react'
import type { Drawing } from './drawing.ts'
import { edgesOf } from './edges.ts'
import { usePicture } from './use.ts'

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
