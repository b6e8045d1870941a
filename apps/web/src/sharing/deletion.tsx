import { useState } from 'react'
import { useHash } from '../network/address.ts'
import { Button } from '../parts/button.tsx'
import { wordsOf } from '../session/words.ts'
import { secretOf } from './links.tsx'
import { deleteShare } from './server.ts'

/** On a shared page that was opened by its secret link: the way to delete it. */
export function Deletion({ api, id, onDeleted }: { api: string; id: string; onDeleted: () => void }) {
  const secret = secretOf(useHash())
  const [said, setSaid] = useState<string>()
  if (secret === undefined) return null
  async function remove(secret: string) {
    try {
      await deleteShare(api, { id, secret })
      onDeleted()
    } catch (cause) {
      const { says, fix } = wordsOf(cause)
      setSaid(`${says} ${fix}`)
    }
  }
  return (
    <>
      <p className="flex flex-wrap items-center justify-between gap-3 rounded-md border border-edge px-3.5 py-2">
        This link may delete the page.
        <Button onClick={() => void remove(secret)}>Delete the shared page</Button>
      </p>
      <p role="status">{said}</p>
    </>
  )
}
