import { useState } from 'react'
import type { Client } from '../../../../sdk/client.ts'
import { go, replace } from '../network/address.ts'
import { useSession } from '../session/use.ts'
import { cutBefore, newChat, withModel, withQuestion } from './acts.ts'
import { answer, isRunning } from './answer.ts'
import type { Chat } from './chat.ts'
import { useChats, useModels, useTerms } from './use.ts'

/** One chat, or the beginning of one, and all that can be done in it. */
export function useConversation(chatId: string | undefined) {
  const { chats, view } = useChats()
  const { session, view: paying } = useSession()
  // A chat has its number from the start, and an address once there is something in it.
  const [fresh] = useState(() => crypto.randomUUID())
  const id = chatId ?? fresh
  const chat = chats.find(id)
  const models = useModels()
  const wanted = modelWish()
  const name = chat?.model ?? wanted ?? view.settings.model ?? models?.[0]?.name
  const model = models?.find((each) => each.name === name)
  const manifest = useTerms(model?.id)
  const writing = chat !== undefined && isRunning(chat.id)
  const mayAsk = paying.phase === 'ready' && model !== undefined && manifest !== undefined && !writing
  const findExcerpts = useExcerpts(id)

  const begun = (): Chat => chat ?? newChat(name ?? '', Date.now(), id)
  /** Gives a chat that was begun its address. */
  const settle = () => {
    if (chatId === undefined && chats.find(id)) go(`/pondera/c/${id}`)
  }
  async function run() {
    if (!paying.client || !model || !manifest) return
    const { client } = paying
    const { settings } = view
    const excerpts = await findExcerpts(client)
    await answer({ chats, session, client, chat: id, model: model.name, manifest, settings, excerpts })
  }
  async function ask(before: Chat, text: string) {
    chats.put(withQuestion(before, { id: crypto.randomUUID(), text, at: Date.now() }))
    settle()
    await run()
  }

  return {
    id,
    chat,
    models,
    name,
    manifest,
    writing,
    mayAsk,
    isUnknownModel: models !== undefined && name !== undefined && model === undefined,
    settle,
    send: (text: string) => void ask(begun(), text),
    edit: (message: string, text: string) => void ask(cutBefore(begun(), message), text),
    regenerate(message: string) {
      chats.put(cutBefore(begun(), message))
      void run()
    },
    choose(next: string) {
      chats.set({ model: next })
      if (chat) chats.put(withModel(chat, next, Date.now(), crypto.randomUUID()))
      if (wanted !== undefined) replace(window.location.pathname)
    },
    keepDocuments: (documents: NonNullable<Chat['documents']>) => chats.put({ ...begun(), documents }),
  }
}

/** How questions of a chat with documents find their excerpts; nothing in a chat without. */
function useExcerpts(id: string) {
  const { chats } = useChats()
  const { config } = useSession()
  return async (client: Client) => {
    if (!chats.find(id)?.documents?.length) return undefined
    const [{ excerptsFor }, { readPods }] = await Promise.all([
      import('./documents/library.ts'),
      import('../network/models.ts'),
    ])
    return async (question: string) => {
      const [pod] = await readPods(config, 'embed')
      return pod ? excerptsFor({ client, pod: pod.name }, question, await chats.documents(id)) : []
    }
  }
}

/** `?model=` of the address this page was opened with. */
function modelWish(): string | undefined {
  const wish = new URLSearchParams(window.location.search).get('model')
  return wish === null || wish === '' ? undefined : wish
}
