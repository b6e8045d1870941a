import { refused } from '../../../../sdk/errors.ts'
import { checkShared } from '../sharing/bound.ts'
import { ShareDialog } from '../sharing/dialog.tsx'
import { type Drawing, MOST_KEPT, ofModel } from './drawing.ts'
import { useDrawings } from './use.ts'

export const PICTURES = '/api/pictures'
export const sharedPath = (id: string): string => `/imagine/s/${id}`

/** Makes a public page of a picture, and takes it away again. */
export function SharePicture({ drawing, onClose }: { drawing: Drawing; onClose: () => void }) {
  const { drawings } = useDrawings()
  return (
    <ShareDialog
      title="Share this picture"
      api={PICTURES}
      path={sharedPath}
      share={drawing.share}
      body={async () => {
        checkShared(ofModel(drawings.view().drawings, drawing.model), MOST_KEPT, 'pictures of this model')
        const bytes = await drawings.picture(drawing.id)
        if (!bytes || drawing.request === undefined) {
          throw refused('picture.missing', 'this browser has the picture no more', { fix: 'Draw it again.' })
        }
        return { request: drawing.request, input: drawing.input, picture: toBase64(bytes) }
      }}
      keep={(share) => {
        const now = drawings.view().drawings.find(({ id }) => id === drawing.id)
        if (!now || now.share) return false
        drawings.update(drawing.id, (now) => (now.share ? now : { ...now, share }))
        return true
      }}
      forget={(share) => drawings.unshare(drawing.id, share.id)}
      onClose={onClose}
    >
      Whoever has the link sees the picture, its prompt and its settings. The page’s server checks first that
      the receipt of the call names these very bytes.
    </ShareDialog>
  )
}

const PIECE = 0x8000

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE))
  }
  return btoa(text)
}
