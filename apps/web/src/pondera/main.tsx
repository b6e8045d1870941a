import '../no-eval.ts'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { configSchema } from '../network/config.ts'
import { lazySession, loadSession, SessionContext } from '../session/use.ts'
import { PonderaDoor } from './door.tsx'
import { openChats } from './store.ts'
import { ChatsContext, shareOf } from './use.ts'
import '../style.css'

const place = document.getElementById('root')
if (place === null) throw new Error('pondera.html has no #root')

const shows = shareOf(window.location.pathname) !== undefined
if (!shows) void loadSession()
const [answer, chats] = await Promise.all([fetch('/config.json'), openChats()])
const config = configSchema.parse(await answer.json())
const session = lazySession(config, config.doors.pondera?.frontend ?? 0, shows)
startTransition(() =>
  createRoot(place).render(
    <StrictMode>
      <SessionContext value={{ config, session }}>
        <ChatsContext value={chats}>
          <PonderaDoor />
        </ChatsContext>
      </SessionContext>
    </StrictMode>,
  ),
)
