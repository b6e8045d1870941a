import '../no-eval.ts'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema } from '../network/config.ts'
import { lazySession, loadSession, SessionContext } from '../session/use.ts'
import { ImagineDoor } from './door.tsx'
import { openDrawings } from './store.ts'
import { DrawingsContext } from './use.ts'
import '../style.css'

const place = document.getElementById('root')
if (place === null) throw new Error('imagine.html has no #root')

void loadSession()
const [answer, drawings] = await Promise.all([fetch('/config.json'), openDrawings()])
const config = configSchema.parse(await answer.json())
const session = lazySession(config, config.doors.imagine?.frontend ?? 0)
startTransition(() =>
  createRoot(place).render(
    <StrictMode>
      <SessionContext value={{ config, session }}>
        <DrawingsContext value={drawings}>
          <ImagineDoor />
        </DrawingsContext>
      </SessionContext>
    </StrictMode>,
  ),
)
