import { useState } from 'react'
import type { Client } from '../../../../sdk/client.ts'
import { refused } from '../../../../sdk/errors.ts'
import { go, replace } from '../network/address.ts'
import { freshId } from '../network/id.ts'
import { useSession } from '../session/use.ts'
import { cutBefore, newChat, withModel, withQuestion } from './acts.ts'
import { type Asking, answer, isRunning } from './answer.ts'
import type { Chat, Message } from './chat.ts'
import { keptDocuments } from './documents/indexing.ts'
import type { EmbedTerms } from './documents/price.ts'
import { useEmbedTerms } from './documents/use.ts'
import { mostOfAnswer, type Sources } from './price.ts'
import { useChats, useModels, useTerms } from './use.ts'

/** One chat, or the beginning of one, and all that can be done in it. */
export function useConversation(chatId: string | undefined) {
  const { chats, view } = useChats()
  const { session, view: paying } = useSession()
  // A chat has its number from the start, and an address once there is something in it.
  const [fresh] = useState(() => freshId())
  const id = chatId ?? fresh
  const chat = chats.find(id)
  const models = useModels()
  const wanted = modelWish()
  const name = chat?.model ?? wanted ?? view.settings.model ?? models?.[0]?.name
  const model = models?.find((each) => each.name === name)
  const { value: manifest, again } = useTerms(model?.id)
  const writing = chat !== undefined && isRunning(chat.id)
  const hasDocuments = (chat?.documents?.length ?? 0) > 0
  const { value: embed, again: embedAgain } = useEmbedTerms(hasDocuments)
  const terms = manifest !== undefined && (!hasDocuments || embed !== undefined) ? manifest : undefined
  const mayAsk = paying.phase === 'ready' && model !== undefined && terms !== undefined && !writing
  const findExcerpts = useExcerpts(id, embed)
  const sources = sourcesOf(chat, embed)

  /** @returns whether there was none yet. */
  const begin = (): boolean => {
    if (chats.find(id)) return false
    chats.add(newChat(name ?? '', Date.now(), id))
    return true
  }
  /** Gives a chat that was begun its address. */
  const settle = () => {
    if (chatId === undefined && chats.find(id)) go(`/pondera/c/${id}`)
  }
  /** The most that an answer to the last of these costs: what is shown, and then signed. */
  const mostOf = (messages: readonly Message[]): bigint | undefined =>
    terms && mostOfAnswer(terms, view.settings, messages, sources)
  async function run(most: bigint) {
    if (!paying.client || !model || !terms) return
    const { client } = paying
    const { settings } = view
    const excerpts = findExcerpts(client)
    await answer({
      chats,
      session,
      client,
      chat: id,
      model: model.name,
      manifest: terms,
      settings,
      most,
      excerpts,
    })
    const { messages = [], refused } = chats.find(id) ?? {}
    if ((refused ?? messages.at(-1))?.problem?.code !== PRICE_ROSE) return
    again()
    embedAgain()
  }

  return {
    id,
    chat,
    models,
    name,
    manifest: terms,
    writing,
    mayAsk,
    isUnknownModel: models !== undefined && name !== undefined && model === undefined,
    settle,
    begin,
    mostOf,
    /** @param most  What stands beside the button. @param instead  The question whose place it takes. */
    ask(text: string, most: bigint, instead?: string) {
      const question = { id: freshId(), text, at: Date.now() }
      begin()
      chats.update(id, (now) => withQuestion(instead === undefined ? now : cutBefore(now, instead), question))
      settle()
      void run(most)
    },
    choose(next: string) {
      chats.set({ model: next })
      const [at, note] = [Date.now(), freshId()]
      chats.update(id, (now) => withModel(now, next, at, note))
      if (wanted !== undefined) replace(window.location.pathname)
    },
  }
}

/** What a pod refuses whose price is above the most that a call allows. */
const PRICE_ROSE = 'price.rose'

/** What prices the questions of a chat with documents; nothing in a chat without. */
function sourcesOf(chat: Chat | undefined, embed: EmbedTerms | null | undefined): Sources | undefined {
  if (!embed || !chat?.documents?.length) return undefined
  return { embed: embed.manifest, widest: Math.max(...chat.documents.map(({ widest }) => widest)) }
}

/** How questions of a chat with documents find their excerpts; nothing in a chat without. */
function useExcerpts(id: string, embed: EmbedTerms | null | undefined) {
  const { chats } = useChats()
  return (client: Client) => {
    if (!chats.find(id)?.documents?.length) return undefined
    return async (question: string, options: Parameters<NonNullable<Asking['excerpts']>>[1]) => {
      if (!embed) {
        throw refused('documents.no_pod', 'the network has no embed pod to look your question up', {
          fix: 'Take the documents away to ask the model alone, or try again later. Nothing was charged.',
        })
      }
      const { excerptsFor } = await import('./documents/library.ts')
      return excerptsFor({ ...embed, client }, question, await keptDocuments(chats, id), options)
    }
  }
}

/** `?model=` of the address this page was opened with. */
function modelWish(): string | undefined {
  const wish = new URLSearchParams(window.location.search).get('model')
  return wish === null || wish === '' ? undefined : wish
}
