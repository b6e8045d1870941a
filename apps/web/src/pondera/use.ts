import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
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

/** The pods that chat; undefined until the router told them. */
export function useModels(): Model[] | undefined {
  const { config } = useSession()
  const [models, setModels] = useState<Model[]>()
  useEffect(() => {
    let timer: number | undefined
    let gone = false
    const read = async () => {
      const { readModels } = await import('./models.ts')
      const found = await readModels(config)
      if (!gone) setModels(found)
    }
    const again = () =>
      void read().catch((cause: unknown) => {
        console.warn(wordsOf(cause).says)
        if (!gone) timer = window.setTimeout(again, AGAIN_MS)
      })
    again()
    return () => {
      gone = true
      window.clearTimeout(timer)
    }
  }, [config])
  return models
}

/** The terms of one pod; undefined until they are read. */
export function useTerms(pod: number | undefined): Manifest | undefined {
  const { config } = useSession()
  const [terms, setTerms] = useState<{ pod: number; manifest: Manifest }>()
  useEffect(() => {
    if (pod === undefined) return
    let gone = false
    import('./models.ts')
      .then(({ readTerms }) => readTerms(config, pod))
      .then(
        (manifest) => gone || setTerms({ pod, manifest }),
        (cause: unknown) => console.warn(cause),
      )
    return () => {
      gone = true
    }
  }, [config, pod])
  return terms?.pod === pod ? terms?.manifest : undefined
}
