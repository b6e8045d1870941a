import { createContext, useCallback, useContext, useSyncExternalStore } from 'react'
import { usePath } from '../network/address.ts'
import { useRead } from '../network/answer.ts'
import type { Manifest, Model } from '../network/models.ts'
import { useSession } from '../session/use.ts'
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
