import './no-eval.ts'
import { LiveContext } from './network/use.ts'
import { matchAddress } from './portal/addresses.ts'
import { PortalDoor } from './portal/door.tsx'
import { PAGES } from './portal/pages.tsx'
import { start } from './start.tsx'

// Beside what the server and the router say, not after it.
const place = matchAddress(window.location.pathname)
if (place) void PAGES[place.address].load()

await start(
  () => import('./network/live.ts'),
  (config, { openLive }) => (
    <LiveContext value={openLive(config)}>
      <PortalDoor />
    </LiveContext>
  ),
)
