import type { DBSchema, IDBPDatabase } from 'idb'
import { keptOf, openKept } from '../kept.ts'
import { type Drawing, ofModel, outgrown } from './drawing.ts'

/**
 * The pictures of this browser, in IndexedDB; every change is written, and told to the other tabs. A change is made to what
 * is there at that time, in one transaction: nothing that was deleted comes back, and nothing is put back.
 */

interface Schema extends DBSchema {
  drawings: { key: string; value: Drawing }
  /** The pictures themselves, as they were delivered, by the same id. */
  pictures: { key: string; value: Uint8Array<ArrayBuffer> }
}

export interface DrawingsView {
  drawings: readonly Drawing[]
  /** Why nothing is kept, if nothing is. */
  unkept?: string
}

export interface Drawings {
  view(): DrawingsView
  subscribe(listen: () => void): () => void
  find(id: string): Drawing | undefined
  /** The newest fifty of a model stay, and all that are shared. */
  add(drawing: Drawing): void
  /** @param change  Pure: it is made to the picture as this page has it, and to that on the disk. */
  update(id: string, change: (drawing: Drawing) => Drawing): void
  /** Changes one. `write: false` for what is of no use after a reload. */
  patch(id: string, part: Partial<Drawing>, options?: { write: boolean }): void
  /** @param share  The page that is gone; another one that was made since stays. */
  unshare(id: string, share: string): void
  /** With its picture, which is there before anybody is told; nothing of one that was deleted meanwhile. */
  finish(id: string, part: Partial<Drawing>, picture: Uint8Array): Promise<void>
  picture(id: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** @param page  The shared page that is meant to lose its secret; one that is shared otherwise stays. */
  remove(id: string, page?: string): Promise<void>
  /** Those of a model, but for what is shared. */
  clear(model: string): Promise<void>
}

const NAME = 'heurist-imagine'

export async function openDrawings(): Promise<Drawings> {
  const opened = await openKept<Schema, Drawing[]>(
    NAME,
    (fresh) => {
      for (const name of ['drawings', 'pictures'] as const) fresh.createObjectStore(name)
    },
    (db) => db.getAll('drawings'),
  )
  return drawingsOf(opened?.db, {
    drawings: opened?.kept ?? [],
    ...(opened ? {} : { unkept: 'This browser keeps nothing: pictures are gone with the page.' }),
  })
}

function drawingsOf(db: IDBPDatabase<Schema> | undefined, first: DrawingsView): Drawings {
  let view = first
  const listeners = new Set<() => void>()
  /** What has found no room, or not yet: such pictures last as long as the page. */
  const unkept = new Map<string, Uint8Array<ArrayBuffer>>()
  const change = (part: Partial<DrawingsView>) => {
    view = { ...view, ...part }
    for (const listen of listeners) listen()
  }
  const without = (...ids: string[]) => view.drawings.filter(({ id }) => !ids.includes(id))
  /** The page has what the disk has no room for. */
  const shownOf = (drawing: Drawing): Drawing =>
    drawing.state === 'unkept' && unkept.has(drawing.id) ? { ...drawing, state: 'done' } : drawing
  const replace = (drawing: Drawing) => change({ drawings: [...without(drawing.id), shownOf(drawing)] })
  const find = (id: string) => view.drawings.find((each) => each.id === id)
  function drop(...ids: string[]): void {
    for (const id of ids) {
      unkept.delete(id)
      missed.delete(id)
    }
    change({ drawings: without(...ids) })
    void tryAgain()
  }
  const {
    write,
    missed,
    change: made,
    again,
  } = keptOf<Schema, Drawing>(
    db,
    {
      name: NAME,
      read: (from, id) => from.get('drawings', id),
      begin: (to) => to.transaction('drawings', 'readwrite'),
    },
    { find, replace, drop, full: (unkept) => change({ unkept }) },
  )
  function update(id: string, changed: (drawing: Drawing) => Drawing): void {
    const before = find(id)
    if (!before) return
    const whole = shownOf(changed(before))
    replace(whole)
    void made(id, whole, (kept) => kept && changed(kept))
  }
  /** Some room may be back. What is said of a picture goes first: none stays behind alone. */
  async function tryAgain(): Promise<void> {
    if (!db || !(await again())) return
    for (const [id, picture] of unkept) {
      const isWritten = await write([id], async (to) => {
        const both = to.transaction(['drawings', 'pictures'], 'readwrite')
        const put = async () => {
          const kept = await both.objectStore('drawings').get(id)
          if (!kept) return
          await both.objectStore('pictures').put(picture, id)
          if (kept.state === 'unkept') await both.objectStore('drawings').put({ ...kept, state: 'done' }, id)
        }
        await Promise.all([put(), both.done])
      })
      if (!isWritten) return
      unkept.delete(id)
    }
    const { unkept: _, ...rest } = view
    view = rest
    change({})
  }
  /** They are shown until they are gone. What another tab has shared meanwhile stays, but for the page that is meant. */
  async function remove(ids: readonly string[], page?: string): Promise<void> {
    const shared = new Map<string, Drawing>()
    await write(ids, async (to) => {
      const both = to.transaction(['drawings', 'pictures'], 'readwrite')
      const stores = [both.objectStore('drawings'), both.objectStore('pictures')] as const
      const end = async (id: string) => {
        const now = missed.on(id, await stores[0].get(id))
        if (now?.share && now.share.id !== page) shared.set(id, now)
        else await Promise.all(stores.map((store) => store.delete(id)))
      }
      await Promise.all([...ids.map(end), both.done])
    })
    drop(...ids.filter((id) => !shared.has(id)))
    for (const each of shared.values()) replace(each)
  }
  function fit(model: string, come?: string): void {
    const old = outgrown(view.drawings, model, come)
    if (old.length > 0) void remove(old.map(({ id }) => id))
  }

  return {
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    find,
    add(drawing) {
      replace(drawing)
      void made(drawing.id, drawing, (kept) => kept ?? drawing)
      fit(drawing.model, drawing.id)
    },
    update,
    patch(id, part, options = { write: true }) {
      if (options.write) return update(id, (now) => ({ ...now, ...part }))
      const drawing = find(id)
      if (drawing) replace({ ...drawing, ...part })
    },
    unshare: (id, page) =>
      update(id, (now) => {
        if (now.share?.id !== page) return now
        const { share: _, ...rest } = now
        return rest
      }),
    async finish(id, part, bytes) {
      // It was deleted meanwhile, here or, below, in another tab: nothing of it is kept.
      if (!find(id)) return
      const picture = bytes.slice()
      unkept.set(id, picture)
      const isWritten = await write([id], async (to) => {
        const both = to.transaction(['drawings', 'pictures'], 'readwrite')
        const put = async () => {
          const kept = missed.on(id, await both.objectStore('drawings').get(id))
          if (kept) await both.objectStore('pictures').put(picture, id)
        }
        await Promise.all([put(), both.done])
      })
      if (isWritten) unkept.delete(id)
      // As it is when this is written, which may be later.
      update(id, (now) => ({ ...now, ...part, ...(unkept.has(id) ? { state: 'unkept' } : {}) }))
      const { model } = find(id) ?? {}
      if (model !== undefined) fit(model, id)
    },
    picture: async (id) => unkept.get(id) ?? (await db?.get('pictures', id)),
    remove: (id, page) => remove([id], page),
    clear: (model) =>
      remove(
        ofModel(view.drawings, model)
          .filter(({ state, share }) => state !== 'drawing' && share === undefined)
          .map(({ id }) => id),
      ),
  }
}
