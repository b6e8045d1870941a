import { ShareDialog } from '../sharing/dialog.tsx'
import type { Chat } from './chat.ts'
import { SHARES, snapshotOf } from './shares.ts'
import { useChats } from './use.ts'

/** Makes a public page of a chat as it is now, and takes it away again. */
export function ShareChat({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const { chats } = useChats()
  return (
    <ShareDialog
      title="Share this chat"
      api={SHARES}
      path={(id) => `/pondera/s/${id}`}
      share={chat.share}
      body={async () => snapshotOf(chat)}
      keep={(share) => chats.put({ ...chat, share })}
      forget={() => {
        const { share: _, ...rest } = chat
        chats.put(rest)
      }}
      onClose={onClose}
    >
      Whoever has the link can read the {chat.messages.length} messages as they are now, with their receipts.
      Your key and your other chats stay here.
    </ShareDialog>
  )
}
