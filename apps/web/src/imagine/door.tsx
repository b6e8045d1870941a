import { useEffect } from 'react'
import { Boundary, Broken } from '../parts/boundary.tsx'
import { Revenue } from '../parts/revenue.tsx'
import { DoorHeader, SkipLink } from '../parts/shell.tsx'
import { useTitle } from '../parts/title.ts'
import { ReadOnlyBanner, SessionButton } from '../session/button.tsx'
import { useSession } from '../session/use.ts'
import { endCutDrawings } from './draw.ts'
import { Gallery } from './gallery.tsx'
import { ModelPage } from './model.tsx'
import { SharedPicture } from './shared.tsx'
import { Unseen } from './unseen.tsx'
import { useAddress, useDrawings } from './use.ts'

export function ImagineDoor() {
  const { share, model } = useAddress()
  const { config, view } = useSession()
  const { drawings, view: kept } = useDrawings()
  const ready = view.phase === 'ready'
  useTitle(model)
  // Only the tab that has the key knows that nobody waits for these pictures any more.
  useEffect(() => {
    if (ready) endCutDrawings(drawings)
  }, [ready, drawings])
  return (
    <>
      <SkipLink to="main">Skip to the pictures</SkipLink>
      <div className="mx-auto flex min-h-dvh max-w-[76rem] flex-col px-4 sm:px-6">
        <DoorHeader door="imagine" config={config}>
          {share === undefined && <SessionButton />}
        </DoorHeader>
        <main id="main" tabIndex={-1} className="min-h-dvh min-w-0 flex-1 space-y-6 pb-10 outline-none">
          {share === undefined && <ReadOnlyBanner />}
          {kept.unkept !== undefined && (
            <p role="status" className="rounded-md border border-edge px-3.5 py-2">
              {kept.unkept}
            </p>
          )}
          <Unseen />
          <Boundary key={share ?? model ?? 'gallery'} instead={<Broken />}>
            {share !== undefined ? (
              <SharedPicture share={share} />
            ) : model !== undefined ? (
              <ModelPage name={model} />
            ) : (
              <Gallery />
            )}
          </Boundary>
        </main>
        <footer className="label mt-auto border-t border-line py-4">
          <Revenue door="imagine" config={config} />
        </footer>
      </div>
    </>
  )
}
