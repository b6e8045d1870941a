import { Suspense, useState } from 'react'
import {
  picturePath,
  readAsked,
  type SharedPicture as SharedOne,
  sharedPictureSchema,
} from '../../pictures/record.ts'
import { receiptPath } from '../network/address.ts'
import { askServer } from '../network/server.ts'
import { Button } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import { late } from '../parts/late.tsx'
import { readFirst, Shared, type Sharing } from '../sharing/shared.tsx'
import { edgesOf } from './edges.ts'
import { postOnX, shareBySystem } from './post.ts'
import { Settings } from './result.tsx'
import { PICTURES } from './share.tsx'
import { modelPath } from './use.ts'

/** Signatures and hashes are checked here; that code comes when somebody asks for it. */
const Proof = late(() => import('./proof.tsx'))

const PICTURE: Sharing<SharedOne> = {
  api: PICTURES,
  noun: 'picture',
  async read(id) {
    return sharedPictureSchema.parse(await (await askServer(`${PICTURES}/${id}`, { method: 'GET' })).json())
  },
}

export const readFirstPicture = (id: string): Promise<void> => readFirst(PICTURE, id)

/** The public page of a shared picture. */
export const SharedPicture = ({ share }: { share: string }) => (
  <div className="mx-auto max-w-[40rem] space-y-5">
    <Shared
      sharing={PICTURE}
      id={share}
      own={
        <p>
          <a className="underline underline-offset-4" href="/imagine">
            Draw one of your own
          </a>
        </p>
      }
    >
      {(shared) => <Sheet id={share} shared={shared} />}
    </Shared>
  </div>
)

function Sheet({ id, shared }: { id: string; shared: SharedOne }) {
  const [proving, setProving] = useState(false)
  const asked = readAsked(shared.input)
  const page = new URL(`/imagine/s/${id}`, window.location.href).href
  const again = new URLSearchParams({
    prompt: asked.prompt,
    ...(asked.seed === undefined ? {} : { seed: String(asked.seed) }),
  })
  return (
    <article className="space-y-4" aria-label="Shared picture">
      <img
        src={picturePath(id)}
        alt={`Drawn from: ${asked.prompt}`}
        width={shared.width}
        height={shared.height}
        className={`h-auto w-full rounded-lg border border-line ${edgesOf(shared.width)}`}
      />
      <h1 className="text-[1.2rem] [overflow-wrap:anywhere]">{asked.prompt}</h1>
      <p className="label">
        Drawn by {shared.model}, shared on{' '}
        {new Date(shared.createdAt).toLocaleDateString('en', { dateStyle: 'long' })} by somebody who used this
        page; the words are theirs. <Copy text={asked.prompt} what="prompt" />
      </p>
      <Settings asked={asked} />
      <p className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <a
          href={picturePath(id)}
          download={`${shared.model}-${asked.seed ?? 'picture'}.png`}
          className="rounded-md border border-edge px-3 py-1 hover:bg-accent-soft"
        >
          Download
        </a>
        <a className="underline underline-offset-4" href={`${modelPath(shared.model)}?${again}`}>
          Use this prompt
        </a>
        <a
          className="underline underline-offset-4"
          href={receiptPath(shared.request)}
          data-receipt={shared.request}
        >
          Receipt
        </a>
        <a
          className="underline underline-offset-4"
          href={postOnX({ prompt: asked.prompt, page })}
          target="_blank"
          rel="noopener noreferrer"
        >
          Share on X<span className="sr-only"> (opens in a new tab)</span>
        </a>
        {typeof navigator.share === 'function' && (
          <Button onClick={() => void shareBySystem({ title: asked.prompt, url: page })}>Share</Button>
        )}
      </p>
      {proving ? (
        <Suspense fallback={<p className="label">Checking…</p>}>
          <Proof id={id} shared={shared} />
        </Suspense>
      ) : (
        <button
          type="button"
          onClick={() => setProving(true)}
          className="cursor-pointer rounded-md border border-edge px-3 py-1 hover:bg-accent-soft"
        >
          Check that a node signed for it
        </button>
      )}
    </article>
  )
}
