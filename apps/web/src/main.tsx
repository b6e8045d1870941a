import './no-eval.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { configSchema } from './network/documents.ts'
import { openLive } from './network/live.ts'
import { LiveContext } from './network/use.ts'
import './style.css'

const place = document.getElementById('root')
if (place === null) throw new Error('index.html has no #root')

const answer = await fetch('/config.json')
const live = openLive(configSchema.parse(await answer.json()))
createRoot(place).render(
  <StrictMode>
    <LiveContext value={live}>
      <App />
    </LiveContext>
  </StrictMode>,
)
