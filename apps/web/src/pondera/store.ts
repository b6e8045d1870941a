import type { DBSchema, IDBPDatabase } from 'idb'
import { type Change, missedOf, openKept, writerOf } from '../kept.ts'
import { withMessage } from './acts.ts'
import { type Chat, DEFAULT_SETTINGS, type Message, type Settings } from './chat.ts'
import { entriesOf, type IndexedDocument } from './documents/document.ts'

/**
 * Chats and settings of this browser, in IndexedDB; every change is written, and told to the other tabs. A change is made
 * to what is there at that time, in one transaction: nothing that was deleted comes back, and nothing is put back.
 */

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

type Documents = readonly IndexedDocument[]

export interface Chats {
  view(): ChatsView
  subscribe(listen: () => void): () => void
  find(id: string): Chat | undefined
  /** A chat that is in no browser yet. */
  add(chat: Chat): void
  /** @param change  Pure: it is made to the chat as this page has it, and to that on the disk. */
  update(id: string, change: (chat: Chat) => Chat): void
  /** Changes one message. `write: false` leaves it for a later write: an answer grows many times a second. */
  patch(chat: string, message: string, part: Partial<Message>, options?: { write: boolean }): void
  /** Takes a chat as the disk has it, once all that was said before is written. */
  reread(id: string): Promise<void>
  /** @param page  The shared page that is meant to lose its secret; a chat that is shared otherwise stays. */
  remove(id: string, page?: string): void
  documents(id: string): Promise<Documents>
  /** Changes the documents of a chat, and what it says of them. @returns whether there is such a chat. */
  updateDocuments(id: string, change: (documents: Documents) => Documents): Promise<boolean>
  set(part: Partial<Settings>): void
  /** Back to the defaults, with these parts kept. */
  reset(kept: Partial<Settings>): void
}

const CHANNEL = 'heurist-pondera'
/** What the other tabs are told where it is no chat that changed. */
const SETTINGS = 'settings'
/** Earlier builds of this page kept neither. */
const EARLIER = { rest: [], model: '' }
const asToday = (document: IndexedDocument): IndexedDocument => ({ ...EARLIER, ...document })

export async function openChats(): Promise<Chats> {
  const opened = await openKept<Schema, [Chat[], Settings | undefined]>(
    'heurist-pondera',
    (fresh) => {
      for (const name of ['chats', 'settings', 'documents'] as const) fresh.createObjectStore(name)
    },
    (db) => Promise.all([db.getAll('chats'), db.get('settings', 'settings')]),
  )
  const [chats, settings] = opened?.kept ?? [[]]
  return chatsOf(opened?.db, {
    chats,
    settings: settings ?? DEFAULT_SETTINGS,
    ...(opened ? {} : { unkept: 'This browser keeps nothing: chats are gone with the page.' }),
  })
}

function chatsOf(db: IDBPDatabase<Schema> | undefined, first: ChatsView): Chats {
  let view = first
  const listeners = new Set<() => void>()
  const channel = new BroadcastChannel(CHANNEL)
  const missed = missedOf<Chat>()
  /** Where nothing is kept, documents last as long as the page. */
  const missedDocuments = missedOf<Documents>()
  const change = (part: Partial<ChatsView>) => {
    view = { ...view, ...part }
    for (const listen of listeners) listen()
  }
  const find = (id: string) => view.chats.find((chat) => chat.id === id)
  const replace = (chat: Chat) => change({ chats: [...view.chats.filter(({ id }) => id !== chat.id), chat] })
  const drop = (id: string) => {
    missed.delete(id)
    missedDocuments.delete(id)
    change({ chats: view.chats.filter((chat) => chat.id !== id) })
  }
  const write = writerOf(db, channel, (unkept) => change({ unkept }))
  /** The page keeps what it has: it may have more of a growing answer than what is written. */
  async function writeChat(id: string, changed: Change<Chat>): Promise<void> {
    let before: readonly Change<Chat>[] = []
    const isWritten = await write([id], async (to) => {
      const { store, done } = to.transaction('chats', 'readwrite')
      const put = async () => {
        const kept = await store.get(id)
        before = missed.of(id)
        const next = changed(missed.on(id, kept))
        if (next) await store.put(next, id)
      }
      await Promise.all([put(), done])
    })
    if (isWritten) missed.end(id, before)
    else if (db && find(id)) missed.add(id, changed)
  }
  function update(id: string, changed: (chat: Chat) => Chat) {
    const before = find(id)
    if (!before) return
    replace(changed(before))
    void writeChat(id, (kept) => kept && changed(kept))
  }
  function keep(changed: (settings: Settings) => Settings) {
    change({ settings: changed(view.settings) })
    void write([SETTINGS], async (to) => {
      const { store, done } = to.transaction('settings', 'readwrite')
      const put = async () =>
        store.put(changed((await store.get('settings')) ?? DEFAULT_SETTINGS), 'settings')
      await Promise.all([put(), done])
    })
  }
  const documentsOf = (id: string, kept: Documents | undefined): Documents =>
    (missedDocuments.on(id, kept) ?? []).map(asToday)
  const documents = async (id: string): Promise<Documents> => documentsOf(id, await db?.get('documents', id))
  channel.onmessage = async ({ data: id }: MessageEvent<string>) => {
    if (!db) return
    if (id !== SETTINGS) return reread(id)
    change({ settings: (await db.get('settings', 'settings')) ?? DEFAULT_SETTINGS })
  }
  async function reread(id: string): Promise<void> {
    if (!db) return
    const before = find(id)
    const both = db.transaction(['chats', 'documents'])
    const [kept, ofDocuments] = await Promise.all([
      both.objectStore('chats').get(id),
      // The page names the documents that it has, though the disk had no room for them.
      missedDocuments.has(id) ? both.objectStore('documents').get(id) : undefined,
    ])
    // Something was said here meanwhile, which is written by now: what was read is older.
    if (find(id) !== before) return reread(id)
    const chat = missed.on(id, kept)
    if (!chat) drop(id)
    else if (!missedDocuments.has(id)) replace(chat)
    else replace({ ...chat, documents: entriesOf(documentsOf(id, ofDocuments)) })
  }

  return {
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    find,
    add(chat) {
      replace(chat)
      void writeChat(chat.id, (kept) => kept ?? chat)
    },
    update,
    patch(id, message, part, options = { write: true }) {
      const chat = find(id)
      const before = chat?.messages.find((each) => each.id === message)
      if (!chat || !before) return
      // Whole: the disk has less of an answer that grows.
      const patched = { ...before, ...part }
      if (options.write) update(id, (now) => withMessage(now, patched))
      else replace(withMessage(chat, patched))
    },
    reread,
    remove(id, page) {
      drop(id)
      void write([id], async (to) => {
        const both = to.transaction(['chats', 'documents'], 'readwrite')
        const stores = [both.objectStore('chats'), both.objectStore('documents')] as const
        const end = async () => {
          const kept = await stores[0].get(id)
          if (kept?.share && kept.share.id !== page) replace(kept)
          else await Promise.all(stores.map((store) => store.delete(id)))
        }
        await Promise.all([end(), both.done])
      })
    },
    documents,
    async updateDocuments(id, changed) {
      const made: { documents?: Documents } = {}
      let done: { ofChat: readonly Change<Chat>[]; ofDocuments: readonly Change<Documents>[] } = {
        ofChat: [],
        ofDocuments: [],
      }
      const isWritten = await write([id], async (to) => {
        const both = to.transaction(['chats', 'documents'], 'readwrite')
        const [ofChats, ofDocuments] = [both.objectStore('chats'), both.objectStore('documents')]
        const put = async () => {
          const [kept, before] = await Promise.all([ofChats.get(id), ofDocuments.get(id)])
          done = { ofChat: missed.of(id), ofDocuments: missedDocuments.of(id) }
          const chat = missed.on(id, kept)
          if (!chat) return
          made.documents = changed(documentsOf(id, before))
          await ofDocuments.put(made.documents, id)
          await ofChats.put({ ...chat, documents: entriesOf(made.documents) }, id)
        }
        await Promise.all([put(), both.done])
      })
      if (isWritten) {
        missed.end(id, done.ofChat)
        missedDocuments.end(id, done.ofDocuments)
      } else if (find(id)) {
        missedDocuments.add(id, (all = []) => changed(all.map(asToday)))
        made.documents = await documents(id)
      }
      const entries = made.documents && entriesOf(made.documents)
      const chat = find(id)
      if (!entries || !chat) return false
      replace({ ...chat, documents: entries })
      return true
    },
    set: (part) => keep((settings) => ({ ...settings, ...part })),
    reset: (kept) => keep(() => ({ ...DEFAULT_SETTINGS, ...kept })),
  }
}
