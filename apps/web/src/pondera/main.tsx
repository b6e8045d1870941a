import '../no-eval.ts'
import { WatchedSession } from '../parts/watched.tsx'
import { startPaying } from '../session/start.tsx'
import { PonderaDoor } from './door.tsx'
import { readFirstChat } from './shared.tsx'
import { openChats } from './store.ts'
import { ChatsContext } from './use.ts'

await startPaying({
  door: 'pondera',
  kept: openChats(),
  readShare: readFirstChat,
  draw: (chats) => (
    <ChatsContext value={chats}>
      <WatchedSession>
        <PonderaDoor />
      </WatchedSession>
    </ChatsContext>
  ),
})
