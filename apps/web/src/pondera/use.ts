import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { usePath } from '../network/address.ts'
import { useSession } from '../session/use.ts'
import { wordsOf } from '../session/words.ts'
import type { Manifest, Model } from './models.ts'
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

/** Read again while router or network do not answer. Milliseconds. */
const AGAIN_MS = 5_000

/** What `read` gives, asked again until it answers; undefined until then, and without a `read`. */
export function useAnswer<T>(read: (() => Promise<T>) | undefined): T | undefined {
  const [answer, setAnswer] = useState<T>()
  useEffect(() => {
    setAnswer(undefined)
    if (read === undefined) return
    let timer: number | undefined
    let gone = false
    const again = () =>
      void read().then(
        (found) => gone || setAnswer(found),
        (cause: unknown) => {
          console.warn(wordsOf(cause).says)
          if (!gone) timer = window.setTimeout(again, AGAIN_MS)
        },
      )
    again()
    return () => {
      gone = true
      window.clearTimeout(timer)
    }
  }, [read])
  return answer
}

/** The pods that chat; undefined until the router told them. */
export function useModels(): Model[] | undefined {
  const { config } = useSession()
  return useAnswer(useCallback(async () => (await import('./models.ts')).readModels(config), [config]))
}

/** The terms of one pod; undefined until they are read. */
export function useTerms(pod: number | undefined): Manifest | undefined {
  const { config } = useSession()
  const read = useCallback(
    async () => (await import('./models.ts')).readTerms(config, pod ?? 0),
    [config, pod],
  )
  return useAnswer(pod === undefined ? undefined : read)
}
