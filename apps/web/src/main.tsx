import './no-eval.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema } from './network/documents.ts'
import { openLive } from './network/live.ts'
import { LiveContext } from './network/use.ts'
import { PortalDoor } from './portal/door.tsx'
import './style.css'

const place = document.getElementById('root')
if (place === null) throw new Error('index.html has no #root')

const answer = await fetch('/config.json')
const live = openLive(configSchema.parse(await answer.json()))
createRoot(place).render(
  <StrictMode>
    <LiveContext value={live}>
      <PortalDoor />
    </LiveContext>
  </StrictMode>,
)
