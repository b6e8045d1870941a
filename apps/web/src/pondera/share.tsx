import { ShareDialog } from '../sharing/dialog.tsx'
import { withoutShare } from './acts.ts'
import type { Chat } from './chat.ts'
import { checkedSnapshot, SHARES, sharePath, snapshotOf } from './shares.ts'
import { useChats } from './use.ts'

/** Makes a public page of a chat as it is now, and takes it away again. */
export function ShareChat({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const { chats } = useChats()
  const { length } = snapshotOf(chat).messages
  return (
    <ShareDialog
      title="Share this chat"
      api={SHARES}
      path={sharePath}
      share={chat.share}
      body={async () => checkedSnapshot(chat)}
      keep={(share) => {
        const now = chats.find(chat.id)
        if (!now || now.share) return false
        chats.update(chat.id, (now) => (now.share ? now : { ...now, share }))
        return true
      }}
      forget={(share) => chats.update(chat.id, (now) => withoutShare(now, share.id))}
      onClose={onClose}
    >
      Whoever has the link can read {length === 1 ? 'the one message' : `the ${length} messages`} of this chat
      as of now, with their receipts; answers that failed are left out. Your key and your other chats stay
      here.
    </ShareDialog>
  )
}
