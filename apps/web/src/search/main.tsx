import '../no-eval.ts'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema } from '../network/config.ts'
import { lazySession, loadSession, SessionContext } from '../session/use.ts'
import { SearchDoor } from './door.tsx'
import { openFindings } from './store.ts'
import { FindingsContext } from './use.ts'
import '../style.css'

const place = document.getElementById('root')
if (place === null) throw new Error('search.html has no #root')

void loadSession()
const [answer, findings] = await Promise.all([fetch('/config.json'), openFindings()])
const config = configSchema.parse(await answer.json())
const session = lazySession(config, config.doors.search?.frontend ?? 0)
startTransition(() =>
  createRoot(place).render(
    <StrictMode>
      <SessionContext value={{ config, session }}>
        <FindingsContext value={findings}>
          <SearchDoor />
        </FindingsContext>
      </SessionContext>
    </StrictMode>,
  ),
)
