import type { Drawing } from './drawing.ts'
import { usePicture } from './use.ts'

/** A picture of this browser, in whatever room there is; small ones keep their pixels. */
export function Picture({ drawing, alt }: { drawing: Drawing; alt: string }) {
  const url = usePicture(drawing.id, drawing.state === 'done')
  if (url === undefined) return <span className="label">…</span>
  return <img src={url} alt={alt} className="size-full object-contain [image-rendering:pixelated]" />
}
