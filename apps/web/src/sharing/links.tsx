import { Button } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import type { ShareKey } from './server.ts'

/** The secret behind the `#` of an address, which browsers send to nobody. */
export const secretOf = (hash: string): string | undefined => /^#delete=([\w-]{1,64})$/.exec(hash)?.[1]

/** The two links of something shared: one that shows it, one that deletes it. */
export function ShareLinks({
  path,
  share,
  busy,
  onDelete,
}: {
  path: string
  share: ShareKey
  busy: boolean
  onDelete: () => void
}) {
  const link = new URL(path, window.location.href).href
  return (
    <>
      <p>
        <span className="label block">The link, for whoever may read it</span>
        <a className="underline underline-offset-4 [overflow-wrap:anywhere]" href={link} data-share>
          {link}
        </a>{' '}
        <Copy text={link} what="link" />
      </p>
      <SecretLink path={path} share={share} />
      <Button disabled={busy} onClick={onDelete}>
        Delete the shared page
      </Button>
    </>
  )
}

/** The link that deletes something shared. */
export function SecretLink({ path, share }: { path: string; share: ShareKey }) {
  const secret = `${new URL(path, window.location.href).href}#delete=${share.secret}`
  return (
    <p>
      <span className="label block">
        The link that deletes it, for yourself alone; it works in any browser
      </span>
      <span className="font-mono text-[0.86em] [overflow-wrap:anywhere]" data-delete>
        {secret}
      </span>{' '}
      <Copy text={secret} what="secret link" />
    </p>
  )
}
