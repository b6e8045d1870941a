import '../no-eval.ts'
import { WatchedSession } from '../parts/watched.tsx'
import { startPaying } from '../session/start.tsx'
import { ImagineDoor } from './door.tsx'
import { readFirstPicture } from './shared.tsx'
import { openDrawings } from './store.ts'
import { DrawingsContext } from './use.ts'

await startPaying({
  door: 'imagine',
  kept: openDrawings(),
  readShare: readFirstPicture,
  draw: (drawings) => (
    <DrawingsContext value={drawings}>
      <WatchedSession>
        <ImagineDoor />
      </WatchedSession>
    </DrawingsContext>
  ),
})
