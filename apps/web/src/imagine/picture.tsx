import type { Drawing } from './drawing.ts'
import { usePicture } from './use.ts'

/** A picture of this browser, filling the `relative` room it is in; small ones keep their pixels. */
export function Picture({ drawing, alt }: { drawing: Drawing; alt: string }) {
  const url = usePicture(drawing.id, drawing.state === 'done')
  if (url === undefined) return <span className="label">…</span>
  return (
    <img
      src={url}
      alt={alt}
      className="absolute inset-0 size-full object-contain [image-rendering:pixelated]"
    />
  )
}
