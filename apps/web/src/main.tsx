import './no-eval.ts'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema } from './network/config.ts'
import { LiveContext } from './network/use.ts'
import { matchAddress } from './portal/addresses.ts'
import { PortalDoor } from './portal/door.tsx'
import { PAGES } from './portal/pages.tsx'
import './style.css'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

// Beside what the server and the router say, not after it.
const place = matchAddress(window.location.pathname)
if (place) void PAGES[place.address].load()
const [answer, { openLive }] = await Promise.all([fetch('/config.json'), import('./network/live.ts')])
const live = openLive(configSchema.parse(await answer.json()))
startTransition(() =>
  createRoot(root).render(
    <StrictMode>
      <LiveContext value={live}>
        <PortalDoor />
      </LiveContext>
    </StrictMode>,
  ),
)
