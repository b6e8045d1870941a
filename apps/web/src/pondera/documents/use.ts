import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { useRead } from '../../network/answer.ts'
import { useSession } from '../../session/use.ts'
import type { DocumentEntry } from '../chat.ts'
import { useChats } from '../use.ts'
import type { IndexedDocument } from './document.ts'
import { type IndexingView, indexingView, settleOpen, subscribeIndexing } from './indexing.ts'
import type { EmbedTerms } from './price.ts'

/** Who makes vectors of texts: undefined until it is read, null on a network without such a pod; `again` reads it now. */
export function useEmbedTerms(wanted: boolean): { value?: EmbedTerms | null; again: () => void } {
  const { config } = useSession()
  const read = useCallback(async (): Promise<EmbedTerms | null> => {
    const { readPods, readTerms } = await import('../../network/models.ts')
    const [pod] = await readPods(config, 'embed')
    return pod ? { pod: pod.name, manifest: await readTerms(config, pod.id) } : null
  }, [config])
  return useRead(wanted ? read : undefined)
}

export interface ChatIndexing {
  /** The document of this chat that is being indexed. */
  loop: IndexingView['loops'][number] | undefined
  told: IndexingView['told']
}

export function useIndexing(chat: string): ChatIndexing {
  const { loops, told } = useSyncExternalStore(subscribeIndexing, indexingView)
  return {
    loop: loops.find((each) => each.chat === chat),
    told: told?.chat === chat ? told : undefined,
  }
}

/** Between two looks into the journal. Milliseconds. */
const JOURNAL_MS = 1_500

/** Looks up what calls cost whose end no page saw, until all are decided. */
export function useOpenEnds(chat: string, documents: readonly IndexedDocument[]): void {
  const { chats } = useChats()
  const isOpen = documents.some(({ open }) => open && open.price === undefined && !open.isForgotten)
  useEffect(() => {
    if (!isOpen) return
    let timer: number | undefined
    let gone = false
    const look = async () => {
      const waits = await settleOpen({ chats, locks: navigator.locks, chat }).catch((cause: unknown) => {
        console.warn(cause)
        return true
      })
      if (waits && !gone) timer = window.setTimeout(() => void look(), JOURNAL_MS)
    }
    void look()
    return () => {
      gone = true
      window.clearTimeout(timer)
    }
  }, [chats, chat, isOpen])
}

/** The documents of a chat as they are kept, read again whenever it says something else of them. */
export function useStored(chatId: string, documents: readonly DocumentEntry[]): readonly IndexedDocument[] {
  const { chats } = useChats()
  const [stored, setStored] = useState<readonly IndexedDocument[]>([])
  // biome-ignore lint/correctness/useExhaustiveDependencies: they changed when what the chat says of them did.
  useEffect(() => {
    chats.documents(chatId).then(setStored, (cause: unknown) => console.warn(cause))
  }, [chats, chatId, documents])
  return stored
}
