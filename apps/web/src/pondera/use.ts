import { createContext, useCallback, useContext, useEffect, useSyncExternalStore } from 'react'
import { usePath } from '../network/address.ts'
import { useRead } from '../network/answer.ts'
import type { Manifest, Model } from '../network/models.ts'
import { useSession } from '../session/use.ts'
import { wordsOf } from '../session/words.ts'
import { unseenOf } from './acts.ts'
import type { Chat } from './chat.ts'
import { settleCosts } from './costs.ts'
import type { Chats, ChatsView } from './store.ts'

export const ChatsContext = createContext<Chats | undefined>(undefined)

export function useChats(): { chats: Chats; view: ChatsView } {
  const chats = useContext(ChatsContext)
  if (chats === undefined) throw new Error('ChatsContext is missing')
  return { chats, view: useSyncExternalStore(chats.subscribe, chats.view) }
}

const CHAT = /^\/pondera\/c\/([\w-]{1,64})\/?$/
const SHARE = /^\/pondera\/s\/([\w-]{1,64})\/?$/

/** What the address names: a chat of this browser, or one that somebody shares. */
export function useAddress(): { chat?: string; share?: string } {
  const path = usePath()
  const chat = CHAT.exec(path)?.[1]
  const share = SHARE.exec(path)?.[1]
  return { ...(chat ? { chat } : {}), ...(share ? { share } : {}) }
}

/** The pods that chat; undefined until the router told them. */
export function useModels(): Model[] | undefined {
  const { config } = useSession()
  return useRead(useCallback(async () => (await import('../network/models.ts')).readModels(config), [config]))
    .value
}

/** The terms of one pod, undefined until they are read; `again` reads them now. */
export function useTerms(pod: number | undefined): { value?: Manifest; again: () => void } {
  const { config } = useSession()
  const read = useCallback(
    async () => (await import('../network/models.ts')).readTerms(config, pod ?? 0),
    [config, pod],
  )
  return useRead(pod === undefined ? undefined : read)
}

/** Between two looks into the journal. Milliseconds. */
const JOURNAL_MS = 1_500

/** Looks up what calls cost whose end their page did not see, for as long as the chat is shown and one of them is not known. */
export function useUnseenCosts(chat: Chat | undefined): void {
  const { chats } = useChats()
  const id = chat?.id
  const unseen = chat ? unseenOf(chat).join() : ''
  useEffect(() => {
    if (id === undefined || unseen === '') return
    const look = () =>
      void settleCosts(chats, id).catch((cause: unknown) => console.warn(wordsOf(cause).says))
    look()
    const timer = window.setInterval(look, JOURNAL_MS)
    return () => window.clearInterval(timer)
  }, [chats, id, unseen])
}
