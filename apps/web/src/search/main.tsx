import '../no-eval.ts'
import { WatchedSession } from '../parts/watched.tsx'
import { startPaying } from '../session/start.tsx'
import { SearchDoor } from './door.tsx'
import { readFirstResult } from './shared.tsx'
import { openFindings } from './store.ts'
import { FindingsContext } from './use.ts'

await startPaying({
  door: 'search',
  kept: openFindings(),
  readShare: readFirstResult,
  draw: (findings) => (
    <FindingsContext value={findings}>
      <WatchedSession>
        <SearchDoor />
      </WatchedSession>
    </FindingsContext>
  ),
})
