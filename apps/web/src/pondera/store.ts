import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { type Chat, DEFAULT_SETTINGS, type Message, type Settings } from './chat.ts'
import type { IndexedDocument } from './documents/library.ts'

/** Chats and settings of this browser, in IndexedDB; every change is written, and told to the other tabs. */

interface Schema extends DBSchema {
  chats: { key: string; value: Chat }
  settings: { key: string; value: Settings }
  /** The indexed documents of a chat, by its id. */
  documents: { key: string; value: readonly IndexedDocument[] }
}

export interface ChatsView {
  chats: readonly Chat[]
  settings: Settings
  /** Why nothing is kept, if nothing is. */
  unkept?: string
}

export interface Chats {
  view(): ChatsView
  subscribe(listen: () => void): () => void
  find(id: string): Chat | undefined
  put(chat: Chat): void
  /** Changes one message. `write: false` leaves it for a later write: an answer grows many times a second. */
  patch(chat: string, message: string, part: Partial<Message>, options?: { write: boolean }): void
  remove(id: string): void
  documents(id: string): Promise<readonly IndexedDocument[]>
  /** Replaces the documents of a chat. */
  setDocuments(id: string, documents: readonly IndexedDocument[]): Promise<void>
  set(part: Partial<Settings>): void
  /** Back to the defaults, with these parts kept. */
  reset(kept: Partial<Settings>): void
}

const CHANNEL = 'heurist-pondera'
const EARLIER = { rest: [], model: '' }

export async function openChats(): Promise<Chats> {
  const db = await openDB<Schema>('heurist-pondera', 1, {
    upgrade(fresh) {
      for (const name of ['chats', 'settings', 'documents'] as const) fresh.createObjectStore(name)
    },
  }).catch((cause: unknown) => {
    console.warn(cause)
    return undefined
  })
  const [chats, settings] = db
    ? await Promise.all([db.getAll('chats'), db.get('settings', 'settings')])
    : [[], undefined]
  return chatsOf(db, {
    chats,
    settings: settings ?? DEFAULT_SETTINGS,
    ...(db ? {} : { unkept: 'This browser keeps nothing: chats are gone with the page.' }),
  })
}

function chatsOf(db: IDBPDatabase<Schema> | undefined, first: ChatsView): Chats {
  let view = first
  const listeners = new Set<() => void>()
  const channel = new BroadcastChannel(CHANNEL)
  const change = (part: Partial<ChatsView>) => {
    view = { ...view, ...part }
    for (const listen of listeners) listen()
  }
  const replace = (chat: Chat) => change({ chats: [...view.chats.filter(({ id }) => id !== chat.id), chat] })
  const write = (work: (db: IDBPDatabase<Schema>) => Promise<unknown>, changed?: string) => {
    if (!db) return
    work(db).then(
      () => channel.postMessage(changed),
      (cause: unknown) => {
        console.warn(cause)
        change({ unkept: 'The browser has no room left: what is new here is gone with the page.' })
      },
    )
  }
  const keep = (settings: Settings) => {
    change({ settings })
    write((to) => to.put('settings', settings, 'settings'))
  }
  /** Where nothing is kept, documents last as long as the page. */
  const unkept = new Map<string, readonly IndexedDocument[]>()
  const find = (id: string) => view.chats.find((chat) => chat.id === id)
  channel.onmessage = async ({ data }: MessageEvent<string | undefined>) => {
    if (!db || data === undefined) return
    const chat = await db.get('chats', data)
    if (chat) replace(chat)
    else change({ chats: view.chats.filter(({ id }) => id !== data) })
  }

  return {
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    find,
    put(chat) {
      replace(chat)
      write((to) => to.put('chats', chat, chat.id), chat.id)
    },
    patch(id, message, part, options = { write: true }) {
      const chat = find(id)
      if (!chat) return
      const messages = chat.messages.map((each) => (each.id === message ? { ...each, ...part } : each))
      const patched = { ...chat, messages }
      replace(patched)
      if (options.write) write((to) => to.put('chats', patched, id), id)
    },
    remove(id) {
      change({ chats: view.chats.filter((chat) => chat.id !== id) })
      unkept.delete(id)
      write((to) => Promise.all([to.delete('chats', id), to.delete('documents', id)]), id)
    },
    async documents(id) {
      const kept = (await db?.get('documents', id)) ?? unkept.get(id) ?? []
      // Earlier builds of this page kept neither.
      return kept.map((document) => ({ ...EARLIER, ...document }))
    },
    async setDocuments(id, documents) {
      if (db) await db.put('documents', documents, id)
      else unkept.set(id, documents)
    },
    set: (part) => keep({ ...view.settings, ...part }),
    reset: (kept) => keep({ ...DEFAULT_SETTINGS, ...kept }),
  }
}
