import { useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { type Problem, wordsOf } from '../session/words.ts'
import { SecretLink } from './links.tsx'
import { ProblemLine } from './problem.tsx'
import { deleteShare, type ShareKey } from './server.ts'

interface Props {
  title: string
  noun: string
  /** Where it is shared. */
  api: string
  /** The address of a shared page. */
  path: (id: string) => string
  share: ShareKey
  /** Deletes what this browser has of it. */
  onDelete: () => void
  onClose: () => void
}

/** Before something shared is deleted here, with the only other copy of the secret that deletes its page. */
export function DeleteShared({ title, noun, api, path, share, onDelete, onClose }: Props) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  async function deleteBoth() {
    setBusy(true)
    setProblem(undefined)
    try {
      await deleteShare(api, share)
    } catch (cause) {
      setProblem(wordsOf(cause))
      return setBusy(false)
    }
    onDelete()
    onClose()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        This {noun} is shared. If you delete it here alone, its shared page stays, and only its secret link
        deletes that.
      </p>
      <SecretLink path={path(share.id)} share={share} />
      <p className="flex flex-wrap gap-2">
        <Button tone="main" disabled={busy} onClick={() => void deleteBoth()}>
          Delete the {noun} and its shared page
        </Button>
        <Button
          disabled={busy}
          onClick={() => {
            onDelete()
            onClose()
          }}
        >
          Delete the {noun} alone
        </Button>
      </p>
      <ProblemLine problem={problem} />
    </Dialog>
  )
}
