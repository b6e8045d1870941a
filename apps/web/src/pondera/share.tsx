import { ShareDialog } from '../sharing/dialog.tsx'
import { deleteShare } from '../sharing/server.ts'
import { withoutShare } from './acts.ts'
import type { Chat } from './chat.ts'
import { SHARES, sharePath, snapshotOf } from './shares.ts'
import { useChats } from './use.ts'

/** Makes a public page of a chat as it is now, and takes it away again. */
export function ShareChat({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const { chats } = useChats()
  return (
    <ShareDialog
      title="Share this chat"
      api={SHARES}
      path={sharePath}
      share={chat.share}
      body={async () => snapshotOf(chat)}
      keep={async (share) => {
        const now = chats.find(chat.id)
        // It was deleted meanwhile, or shared by another click: nobody would have the secret of this one.
        if (!now || now.share) return deleteShare(SHARES, share)
        chats.update(chat.id, (now) => ({ ...now, share }))
      }}
      forget={(share) => chats.update(chat.id, (now) => withoutShare(now, share.id))}
      onClose={onClose}
    >
      Whoever has the link can read the {chat.messages.length} messages as they are now, with their receipts.
      Your key and your other chats stay here.
    </ShareDialog>
  )
}
