import type { Shared as SharedOne } from '../../shares/snapshot.ts'
import { awaitMarkdown } from '../markdown/late.tsx'
import { readFirst, Shared, type Sharing } from '../sharing/shared.tsx'
import { MessageView } from './message.tsx'
import { readShare, SHARES } from './shares.ts'

const CHAT: Sharing<SharedOne> = {
  api: SHARES,
  noun: 'chat',
  // Both at once, and shown together: the answers stand as they will be read.
  async read(id) {
    const [shared] = await Promise.all([readShare(id), awaitMarkdown()])
    return shared
  },
}

export const readFirstChat = (id: string): Promise<void> => readFirst(CHAT, id)

/** The public page of a shared chat. */
export const SharedChat = ({ share }: { share: string }) => (
  <main
    id="main"
    tabIndex={-1}
    className="mx-auto min-h-dvh w-full max-w-[46rem] space-y-6 pb-10 outline-none"
  >
    <Shared
      sharing={CHAT}
      id={share}
      own={
        <p>
          <a className="underline underline-offset-4" href="/pondera">
            Begin a chat of your own
          </a>
        </p>
      }
    >
      {(shared) => <Transcript shared={shared} />}
    </Shared>
  </main>
)

function Transcript({ shared }: { shared: SharedOne }) {
  return (
    <>
      <header>
        <h1 className="text-[1.3rem] [overflow-wrap:anywhere]">{shared.title}</h1>
        <p className="label" data-claimed>
          Shared on {new Date(shared.createdAt).toLocaleDateString('en', { dateStyle: 'long' })} by somebody
          who says that models answered so. Nobody has checked that, nor the words against the receipts, which
          may be of other calls.
        </p>
      </header>
      {shared.messages.map((message, index) => (
        <MessageView
          // biome-ignore lint/suspicious/noArrayIndexKey: a snapshot never changes.
          key={index}
          message={{ ...message, id: String(index), at: shared.createdAt, state: 'done' }}
        />
      ))}
    </>
  )
}
